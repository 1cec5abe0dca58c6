//! X: Basic at the token endpoint, PKCE for everybody, an envelope around the user data.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Credentials, Endpoint, Grant, Play, Scopes};
use crate::pkce::Pkce;
use crate::refusal::{Fault, Refusal};
use crate::reply::Reply;
use crate::visit::{Visit, unauthorized};
use crate::world::{AN_HOUR, Holder};
use crate::{Provider, Trouble};

/// Fields that come only when they are named.
const FIELDS: &[&str] = &["id", "name", "username", "confirmed_email", "profile_image_url", "verified"];

pub(super) static PLAY: Play = Play {
    provider: Provider::X,
    title: "X",
    paths: &[
        ("/i/oauth2/authorize", Endpoint::Authorize),
        ("/2/oauth2/token", Endpoint::Token),
        ("/2/users/me", Endpoint::User),
    ],
    scopes: Scopes {
        separator: ' ',
        known: &["users.read", "tweet.read", "users.email", "offline.access"],
        default: &[],
    },
    pkce: Pkce { required: true, methods: &["S256"], dots: true },
    credentials: Credentials { basic: true, body: false, public: false },
    required: &["grant_type", "code", "redirect_uri", "code_verifier"],
    device: false,
    inspect: |query| match query.get("scope") {
        Some(_) => Ok(()),
        None => Err("scope is missing".to_owned()),
    },
    callback: |_| Vec::new(),
    grant: |_, grant| Reply::json(StatusCode::OK, &token(grant)),
    refuse: |_, refusal| refuse(refusal),
    user,
};

fn token(grant: &Grant<'_>) -> Value {
    json!({
        "token_type": "bearer",
        "expires_in": AN_HOUR,
        "access_token": grant.token,
        "scope": grant.code.ask.scopes.join(" "),
    })
}

fn refuse(refusal: &Refusal) -> Reply {
    match refusal.fault {
        Fault::Client => {
            let body = json!({ "error": "unauthorized_client", "error_description": refusal.why });
            unauthorized("Basic realm=\"X\", charset=\"UTF-8\"", &body)
        }
        Fault::Request | Fault::Code | Fault::RedirectUri | Fault::GrantType => refusal.as_rfc_6749(),
    }
}

fn problem(status: StatusCode, title: &str, why: &str) -> Value {
    json!({ "title": title, "detail": why, "type": "about:blank", "status": status.as_u16() })
}

fn user(visit: &Visit<'_>) -> Reply {
    if visit.request.method != Method::GET {
        return Reply::method_not_allowed("GET");
    }
    let refuse = |status: StatusCode, why: &str| Reply::json(status, &problem(status, "Refused", why));
    let query = match visit.query_without_token() {
        Ok(query) => query,
        Err(why) => return refuse(StatusCode::BAD_REQUEST, &why),
    };
    let Some(holder) = visit.holder_by("Bearer") else {
        let body = problem(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized");
        return unauthorized("Bearer realm=\"X\"", &body);
    };
    if !holder.may("users.read") {
        return refuse(StatusCode::FORBIDDEN, "users.read was not granted");
    }
    let fields: Vec<_> = query.get("user.fields").into_iter().flat_map(|fields| fields.split(',')).collect();
    match fields.iter().find(|field| !FIELDS.contains(field)) {
        Some(field) => refuse(StatusCode::BAD_REQUEST, &format!("user.fields: {field:?} is unknown")),
        None => Reply::json(StatusCode::OK, &json!({ "data": info(visit, &holder, &fields) })),
    }
}

fn info(visit: &Visit<'_>, holder: &Holder, fields: &[&str]) -> Value {
    let person = &holder.person;
    let name = person.name.as_deref().unwrap_or(&person.key);
    let mut info = serde_json::Map::from_iter([
        ("name".to_owned(), json!(name)),
        ("username".to_owned(), json!(person.key)),
    ]);
    if !visit.has(Trouble::NoSubject) {
        info.insert("id".to_owned(), json!(person.subject));
    }
    // An address that its owner never confirmed is not said at all.
    let email = person.email.as_ref().filter(|_| person.email_verified && holder.may("users.email"));
    if let Some(email) = email.filter(|_| fields.contains(&"confirmed_email")) {
        info.insert("confirmed_email".to_owned(), json!(email));
    }
    if fields.contains(&"verified") {
        // About the account, as everywhere.
        info.insert("verified".to_owned(), json!(true));
    }
    if fields.contains(&"profile_image_url") {
        info.insert("profile_image_url".to_owned(), json!("https://pbs.twimg.com/pretended.jpg"));
    }
    Value::Object(info)
}
