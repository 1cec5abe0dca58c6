//! Google: OpenID Connect with an ID token signed as RS256.

use hyper::header::WWW_AUTHENTICATE;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Callback, Credentials, Endpoint, Grant, Play, Scopes, present};
use crate::pkce::Pkce;
use crate::reply::Reply;
use crate::visit::{Visit, unauthorized};
use crate::world::AN_HOUR;
use crate::{Person, Provider, Trouble};

mod id_token;

/// What real clients compare with, so not the address of this program.
const ISSUER: &str = "https://accounts.google.com";

pub(super) static PLAY: Play = Play {
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
    credentials: Credentials { basic: true, body: true, public: false },
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

/// RFC 9207's `iss`, and three more that clients must not stumble over.
fn callback(callback: &Callback<'_>) -> Vec<(&'static str, String)> {
    let issuer = match callback.visit.has(Trouble::WrongCallbackIssuer) {
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

/// The scopes as addresses, which is how Google names them in its answers.
fn long(scopes: &[String]) -> String {
    let names = scopes.iter().map(|scope| match scope.as_str() {
        "openid" => scope.clone(),
        other => format!("https://www.googleapis.com/auth/userinfo.{other}"),
    });
    names.collect::<Vec<_>>().join(" ")
}

fn grant(visit: &Visit<'_>, grant: &Grant<'_>) -> Reply {
    let scopes = &grant.code.ask.scopes;
    let mut body = json!({
        "access_token": grant.token,
        "expires_in": AN_HOUR - 1,
        "scope": long(scopes),
        "token_type": "Bearer",
    });
    if scopes.iter().any(|scope| scope == "openid") {
        let Ok(token) = id_token::of(visit, grant) else {
            return Reply::empty(StatusCode::INTERNAL_SERVER_ERROR);
        };
        body.as_object_mut().and_then(|members| members.insert("id_token".to_owned(), token.into()));
    }
    Reply::json(StatusCode::OK, &body)
}

/// What the ID token and the user data say of somebody, as far as the scopes go.
fn claims(visit: &Visit<'_>, person: &Person, may: impl Fn(&str) -> bool) -> Value {
    let verified = match person.verified_as_string {
        true => json!(person.email_verified.to_string()),
        false => json!(person.email_verified),
    };
    let email = person.email.as_deref().filter(|_| may("email"));
    let profile = |value: Option<&str>| value.filter(|_| may("profile")).map(str::to_owned);
    present(json!({
        "sub": (!visit.has(Trouble::NoSubject)).then_some(&person.subject),
        "email": email,
        "email_verified": email.map(|_| verified),
        "hd": person.hd,
        "name": profile(person.name.as_deref()),
        "given_name": profile(person.given_name()),
        "family_name": profile(person.family_name()),
        "picture": profile(Some("https://lh3.googleusercontent.com/a/pretended=s96-c")),
    }))
}

fn user(visit: &Visit<'_>) -> Reply {
    if visit.request.method != Method::GET {
        return Reply::method_not_allowed("GET");
    }
    let refuse = |status: StatusCode, why: &str| {
        Reply::json(status, &json!({ "error": "invalid_request", "error_description": why }))
    };
    if let Err(why) = visit.query_without_token() {
        return refuse(StatusCode::BAD_REQUEST, &why);
    }
    match visit.holder_by("Bearer") {
        None => {
            let body = json!({ "error": "invalid_request", "error_description": "Invalid Credentials" });
            unauthorized("Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"", &body)
        }
        Some(holder) if !holder.may("openid") => refuse(StatusCode::FORBIDDEN, "openid was not granted")
            .with(WWW_AUTHENTICATE, "Bearer error=\"insufficient_scope\", scope=\"openid\""),
        Some(holder) => {
            Reply::json(StatusCode::OK, &claims(visit, &holder.person, |scope| holder.may(scope)))
        }
    }
}

/// The key set.
pub(crate) fn keys(visit: &Visit<'_>) -> Reply {
    Reply::json(StatusCode::OK, &visit.world.key.set())
}

/// The discovery document: the endpoints are here, the issuer is the real one.
pub(crate) fn discovery(visit: &Visit<'_>) -> Reply {
    let at = |path: &str| format!("{}/google{path}", visit.world.url);
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
