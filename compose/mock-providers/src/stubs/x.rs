//! X: Basic at the token endpoint, PKCE required, an envelope around the user info.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::context::{Context, unauthorized};
use crate::endpoint::Endpoint;
use crate::fault::Fault;
use crate::pkce::Pkce;
use crate::provider::Provider;
use crate::reply::Reply;
use crate::store::{AN_HOUR, TokenHolder};
use crate::stub::{ClientAuth, Grant, Scopes, Stub};
use crate::token_error::{ErrorKind, TokenError};

/// The fields that `user.fields` may name.
const FIELDS: &[&str] = &["id", "name", "username", "confirmed_email", "profile_image_url", "verified"];

pub(super) static STUB: Stub = Stub {
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
    client_auth: ClientAuth { basic: true, body: false, public: false },
    required: &["grant_type", "code", "redirect_uri", "code_verifier"],
    device: false,
    inspect: |query| match query.get("scope") {
        Some(_) => Ok(()),
        None => Err("scope is missing".to_owned()),
    },
    callback: |_| Vec::new(),
    grant: |_, grant| Reply::json(StatusCode::OK, &token(grant)),
    refuse: |_, error| refuse(error),
    user,
};

fn token(grant: &Grant<'_>) -> Value {
    json!({
        "token_type": "bearer",
        "expires_in": AN_HOUR,
        "access_token": grant.token,
        "scope": grant.code.request.scopes.join(" "),
    })
}

fn refuse(error: &TokenError) -> Reply {
    match error.kind {
        ErrorKind::Client => {
            let body = json!({ "error": "unauthorized_client", "error_description": error.why });
            unauthorized("Basic realm=\"X\", charset=\"UTF-8\"", &body)
        }
        ErrorKind::Request | ErrorKind::Code | ErrorKind::RedirectUri | ErrorKind::GrantType => {
            error.as_rfc_6749()
        }
    }
}

fn problem(status: StatusCode, title: &str, why: &str) -> Value {
    json!({ "title": title, "detail": why, "type": "about:blank", "status": status.as_u16() })
}

fn user(cx: &Context<'_>) -> Reply {
    if cx.request.method != Method::GET {
        return Reply::method_not_allowed("GET");
    }
    let refuse = |status: StatusCode, why: &str| Reply::json(status, &problem(status, "Refused", why));
    let query = match cx.query_without_token() {
        Ok(query) => query,
        Err(why) => return refuse(StatusCode::BAD_REQUEST, &why),
    };
    let Some(holder) = cx.holder_by("Bearer") else {
        let body = problem(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized");
        return unauthorized("Bearer realm=\"X\"", &body);
    };
    if !holder.may("users.read") {
        return refuse(StatusCode::FORBIDDEN, "users.read was not granted");
    }
    let fields: Vec<_> = query.get("user.fields").into_iter().flat_map(|fields| fields.split(',')).collect();
    match fields.iter().find(|field| !FIELDS.contains(field)) {
        Some(field) => refuse(StatusCode::BAD_REQUEST, &format!("user.fields: unknown field {field:?}")),
        None => Reply::json(StatusCode::OK, &json!({ "data": info(cx, &holder, &fields) })),
    }
}

fn info(cx: &Context<'_>, holder: &TokenHolder, fields: &[&str]) -> Value {
    let person = &holder.person;
    let name = person.name.as_deref().unwrap_or(&person.key);
    let mut info = serde_json::Map::from_iter([
        ("name".to_owned(), json!(name)),
        ("username".to_owned(), json!(person.key)),
    ]);
    if !cx.has(Fault::NoSubject) {
        info.insert("id".to_owned(), json!(person.subject));
    }
    // An unconfirmed address is not returned at all.
    let email = person.email.as_ref().filter(|_| person.email_verified && holder.may("users.email"));
    if let Some(email) = email.filter(|_| fields.contains(&"confirmed_email")) {
        info.insert("confirmed_email".to_owned(), json!(email));
    }
    if fields.contains(&"verified") {
        // About the account, not the address.
        info.insert("verified".to_owned(), json!(true));
    }
    if fields.contains(&"profile_image_url") {
        info.insert("profile_image_url".to_owned(), json!("https://pbs.twimg.com/pretended.jpg"));
    }
    Value::Object(info)
}
