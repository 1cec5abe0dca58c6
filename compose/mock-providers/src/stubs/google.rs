//! Google: OpenID Connect with an ID token signed as RS256.

use hyper::header::WWW_AUTHENTICATE;
use hyper::{Method, StatusCode};
use serde_json::json;

use crate::context::{Context, unauthorized};
use crate::endpoint::Endpoint;
use crate::fault::Fault;
use crate::pkce::Pkce;
use crate::provider::Provider;
use crate::reply::Reply;
use crate::store::AN_HOUR;
use crate::stub::{Callback, ClientAuth, Grant, Scopes, Stub};

mod claims;
mod id_token;

use claims::{ISSUER, claims};

pub(super) static STUB: Stub = Stub {
    provider: Provider::Google,
    title: "Google",
    paths: &[
        ("/o/oauth2/v2/auth", Endpoint::Authorize),
        ("/token", Endpoint::Token),
        ("/v1/userinfo", Endpoint::User),
        ("/oauth2/v3/certs", Endpoint::Keys),
        ("/.well-known/openid-configuration", Endpoint::Discovery),
    ],
    scopes: Scopes { separator: ' ', known: &["openid", "email", "profile"], default: &[] },
    pkce: Pkce { required: false, methods: &["S256"], dots: true },
    client_auth: ClientAuth { basic: true, body: true, public: false },
    required: &["grant_type", "code", "redirect_uri"],
    device: false,
    inspect: |query| match query.get("scope") {
        Some(_) => Ok(()),
        None => Err("scope is missing".to_owned()),
    },
    callback,
    grant,
    refuse: |_, refusal| refusal.as_rfc_6749(),
    user,
};

/// `iss` of RFC 9207, and three parameters that clients must ignore.
fn callback(callback: &Callback<'_>) -> Vec<(&'static str, String)> {
    let issuer = match callback.cx.has(Fault::WrongCallbackIssuer) {
        true => "https://accounts.example.org",
        false => ISSUER,
    };
    let mut pairs = vec![("iss", issuer.to_owned())];
    if !callback.refused {
        let short = callback.scopes.iter().filter(|scope| *scope != "openid").cloned();
        let scope = short.chain([long(callback.scopes)]).collect::<Vec<_>>().join(" ");
        pairs.extend([("scope", scope), ("authuser", "0".to_owned()), ("prompt", "consent".to_owned())]);
    }
    pairs
}

/// The scopes as URLs, as in Google's responses.
fn long(scopes: &[String]) -> String {
    let names = scopes.iter().map(|scope| match scope.as_str() {
        "openid" => scope.clone(),
        other => format!("https://www.googleapis.com/auth/userinfo.{other}"),
    });
    names.collect::<Vec<_>>().join(" ")
}

fn grant(cx: &Context<'_>, grant: &Grant<'_>) -> Reply {
    let scopes = &grant.code.request.scopes;
    let mut body = json!({
        "access_token": grant.token,
        "expires_in": AN_HOUR - 1,
        "scope": long(scopes),
        "token_type": "Bearer",
    });
    if scopes.iter().any(|scope| scope == "openid") {
        let Ok(token) = id_token::of(cx, grant) else {
            return Reply::empty(StatusCode::INTERNAL_SERVER_ERROR);
        };
        body.as_object_mut().and_then(|members| members.insert("id_token".to_owned(), token.into()));
    }
    Reply::json(StatusCode::OK, &body)
}

fn user(cx: &Context<'_>) -> Reply {
    if cx.request.method != Method::GET {
        return Reply::method_not_allowed("GET");
    }
    let refuse = |status: StatusCode, why: &str| {
        Reply::json(status, &json!({ "error": "invalid_request", "error_description": why }))
    };
    if let Err(why) = cx.query_without_token() {
        return refuse(StatusCode::BAD_REQUEST, &why);
    }
    match cx.holder_by("Bearer") {
        None => {
            let body = json!({ "error": "invalid_request", "error_description": "Invalid ClientAuth" });
            unauthorized("Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"", &body)
        }
        Some(holder) if !holder.may("openid") => refuse(StatusCode::FORBIDDEN, "openid was not granted")
            .with(WWW_AUTHENTICATE, "Bearer error=\"insufficient_scope\", scope=\"openid\""),
        Some(holder) => Reply::json(StatusCode::OK, &claims(cx, &holder.person, |scope| holder.may(scope))),
    }
}

/// The key set.
pub(crate) fn keys(cx: &Context<'_>) -> Reply {
    Reply::json(StatusCode::OK, &cx.store.key.set())
}

/// The discovery document: the endpoints of this server, the real issuer.
pub(crate) fn discovery(cx: &Context<'_>) -> Reply {
    let at = |path: &str| format!("{}/google{path}", cx.store.url);
    let document = json!({
        "issuer": ISSUER,
        "authorization_endpoint": at("/o/oauth2/v2/auth"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/v1/userinfo"),
        "jwks_uri": at("/oauth2/v3/certs"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "claims_supported": ["aud", "email", "email_verified", "exp", "family_name", "given_name", "iat",
                             "iss", "name", "picture", "sub"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    Reply::json(StatusCode::OK, &document)
}
