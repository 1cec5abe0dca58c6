//! Facebook: commas between scopes, fields by name, and a proof that the caller knows the secret.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{Callback, Credentials, Endpoint, Grant, Play, Scopes};
use crate::authorization;
use crate::pkce::Pkce;
use crate::refusal::{Fault, Refusal};
use crate::reply::Reply;
use crate::visit::Visit;
use crate::world::{AN_HOUR, Holder};
use crate::{Provider, Trouble};

/// What may be asked of somebody.
const FIELDS: &[&str] = &["id", "name", "first_name", "last_name", "email", "picture"];

pub(super) static PLAY: Play = Play {
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
    credentials: Credentials { basic: false, body: true, public: false },
    required: &["code", "redirect_uri"],
    device: false,
    inspect: |_| Ok(()),
    callback,
    grant: |_, grant| Reply::json(StatusCode::OK, &token(grant)),
    refuse: |_, refusal| refuse(refusal),
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

fn refuse(refusal: &Refusal) -> Reply {
    let number = match refusal.fault {
        Fault::Client => 101,
        Fault::Request | Fault::Code | Fault::RedirectUri | Fault::GrantType => 100,
    };
    error(number, &refusal.why)
}

fn error(number: u16, why: &str) -> Reply {
    let error =
        json!({ "message": why, "type": "OAuthException", "code": number, "fbtrace_id": "pretended" });
    Reply::json(StatusCode::BAD_REQUEST, &json!({ "error": error }))
}

fn user(visit: &Visit<'_>) -> Reply {
    if visit.request.method != Method::GET {
        return Reply::method_not_allowed("GET");
    }
    let query = match visit.query_without_token() {
        Ok(query) => query,
        Err(why) => return error(100, &why),
    };
    let token = authorization::of_scheme(&visit.request.headers, "Bearer");
    let Some((token, holder)) = token.and_then(|token| Some((token, visit.holder(token)?))) else {
        return error(190, "Invalid OAuth access token");
    };
    if !proves(&holder, token, query.get("appsecret_proof")) {
        return error(100, "appsecret_proof is missing or wrong");
    }
    let Some(fields) = query.get("fields") else { return error(100, "fields is missing") };
    let fields: Vec<_> = fields.split(',').collect();
    match fields.iter().find(|field| !FIELDS.contains(field)) {
        Some(field) => error(100, &format!("fields: {field:?} is unknown")),
        None => Reply::json(StatusCode::OK, &info(visit, &holder, &fields)),
    }
}

/// Whether the caller knows the secret of the client to whom the token was given.
fn proves(holder: &Holder, token: &str, proof: Option<&str>) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, holder.client.secret.as_bytes());
    let tag = hmac::sign(&key, token.as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    proof.is_some_and(|proof| verify_slices_are_equal(proof.as_bytes(), hex.as_bytes()).is_ok())
}

/// The fields that were named; `id` comes in any case.
fn info(visit: &Visit<'_>, holder: &Holder, fields: &[&str]) -> Value {
    let person = &holder.person;
    let known = [
        ("id", Some(json!(person.subject)).filter(|_| !visit.has(Trouble::NoSubject))),
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
