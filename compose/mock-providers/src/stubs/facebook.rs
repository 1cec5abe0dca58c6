//! Facebook: scopes with commas, fields by name, and a proof that the sender of the token knows the client secret.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::authorization_header;
use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::fault::Fault;
use crate::pkce::Pkce;
use crate::provider::Provider;
use crate::reply::Reply;
use crate::store::{AN_HOUR, TokenHolder};
use crate::stub::{Callback, ClientAuth, Grant, Scopes, Stub};
use crate::token_error::{ErrorKind, TokenError};

/// The fields of a person.
const FIELDS: &[&str] = &["id", "name", "first_name", "last_name", "email", "picture"];

pub(super) static STUB: Stub = Stub {
    provider: Provider::Facebook,
    title: "Facebook",
    paths: &[
        ("/v24.0/dialog/oauth", Endpoint::Authorize),
        ("/v24.0/oauth/access_token", Endpoint::Token),
        ("/v24.0/me", Endpoint::User),
        ("/me", Endpoint::User),
    ],
    scopes: Scopes { separator: ',', known: &["email", "public_profile"], default: &["public_profile"] },
    pkce: Pkce { required: false, methods: &["S256"], dots: true },
    client_auth: ClientAuth { basic: false, body: true, public: false },
    required: &["code", "redirect_uri"],
    device: false,
    inspect: |_| Ok(()),
    callback,
    grant: |_, grant| Reply::json(StatusCode::OK, &token(grant)),
    refuse: |_, why| refuse(why),
    user,
};

fn callback(callback: &Callback<'_>) -> Vec<(&'static str, String)> {
    match callback.refused {
        true => vec![("error_reason", "user_denied".to_owned()), ("error_code", "200".to_owned())],
        false => Vec::new(),
    }
}

fn token(grant: &Grant<'_>) -> Value {
    json!({ "access_token": grant.token, "token_type": "bearer", "expires_in": AN_HOUR })
}

fn refuse(why: &TokenError) -> Reply {
    let number = match why.kind {
        ErrorKind::Client => 101,
        ErrorKind::Request | ErrorKind::Code | ErrorKind::RedirectUri | ErrorKind::GrantType => 100,
    };
    error(number, &why.why)
}

fn error(number: u16, why: &str) -> Reply {
    let error =
        json!({ "message": why, "type": "OAuthException", "code": number, "fbtrace_id": "pretended" });
    Reply::json(StatusCode::BAD_REQUEST, &json!({ "error": error }))
}

fn user(cx: &Context<'_>) -> Reply {
    if cx.request.method != Method::GET {
        return Reply::method_not_allowed("GET");
    }
    let query = match cx.query_without_token() {
        Ok(query) => query,
        Err(why) => return error(100, &why),
    };
    let token = authorization_header::of_scheme(&cx.request.headers, "Bearer");
    let Some((token, holder)) = token.and_then(|token| Some((token, cx.holder(token)?))) else {
        return error(190, "Invalid OAuth access token");
    };
    if !proves(&holder, token, query.get("appsecret_proof")) {
        return error(100, "appsecret_proof is missing or wrong");
    }
    let Some(fields) = query.get("fields") else { return error(100, "fields is missing") };
    let fields: Vec<_> = fields.split(',').collect();
    match fields.iter().find(|field| !FIELDS.contains(field)) {
        Some(field) => error(100, &format!("fields: unknown field {field:?}")),
        None => Reply::json(StatusCode::OK, &info(cx, &holder, &fields)),
    }
}

/// Whether the sender of the token knows the secret of its client.
fn proves(holder: &TokenHolder, token: &str, proof: Option<&str>) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, holder.client.secret.as_bytes());
    let tag = hmac::sign(&key, token.as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    proof.is_some_and(|proof| verify_slices_are_equal(proof.as_bytes(), hex.as_bytes()).is_ok())
}

/// The named fields, and always `id`.
fn info(cx: &Context<'_>, holder: &TokenHolder, fields: &[&str]) -> Value {
    let person = &holder.person;
    let known = [
        ("id", Some(json!(person.subject)).filter(|_| !cx.has(Fault::NoSubject))),
        ("name", person.name.as_ref().map(|name| json!(name))),
        ("first_name", person.given_name().map(|name| json!(name))),
        ("last_name", person.family_name().map(|name| json!(name))),
        ("email", person.email.as_ref().filter(|_| holder.may("email")).map(|email| json!(email))),
        ("picture", Some(json!({ "data": { "url": "https://scontent.example.org/pretended.jpg" } }))),
    ];
    let wanted = known.into_iter().filter(|(name, _)| *name == "id" || fields.contains(name));
    let members: Map<_, _> = wanted.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    Value::Object(members)
}
