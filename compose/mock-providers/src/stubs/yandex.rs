//! Yandex ID: the scheme `OAuth`, and a user info that may be a JWT.

use hyper::header::WWW_AUTHENTICATE;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::fault::Fault;
use crate::key;
use crate::params::Params;
use crate::pkce::Pkce;
use crate::provider::Provider;
use crate::random;
use crate::reply::Reply;
use crate::store::{AN_HOUR, TokenHolder};
use crate::stub::{ClientAuth, Grant, Scopes, Stub, present};

pub(super) static STUB: Stub = Stub {
    provider: Provider::Yandex,
    title: "Yandex ID",
    paths: &[("/authorize", Endpoint::Authorize), ("/token", Endpoint::Token), ("/info", Endpoint::User)],
    scopes: Scopes {
        separator: ' ',
        known: &["login:email", "login:info", "login:avatar", "login:birthday", "login:default_phone"],
        default: &["login:email", "login:info"],
    },
    pkce: Pkce { required: false, methods: &["S256"], dots: true },
    client_auth: ClientAuth { basic: true, body: true, public: false },
    required: &["grant_type", "code"],
    device: false,
    inspect: device_id,
    callback: |_| Vec::new(),
    grant: |_, grant| Reply::json(StatusCode::OK, &token(grant)),
    refuse: |_, refusal| refusal.as_rfc_6749(),
    user,
};

fn device_id(query: &Params) -> Result<(), String> {
    let Some(id) = query.get("device_id") else { return Ok(()) };
    let printable = id.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    match (6..=50).contains(&id.len()) && printable {
        true => Ok(()),
        false => Err("device_id must be 6 to 50 printable ASCII characters".to_owned()),
    }
}

fn token(grant: &Grant<'_>) -> Value {
    json!({
        "token_type": "bearer",
        "access_token": grant.token,
        "expires_in": AN_HOUR,
        "scope": grant.code.request.scopes.join(" "),
    })
}

fn user(cx: &Context<'_>) -> Reply {
    if cx.request.method != Method::GET {
        return Reply::method_not_allowed("GET");
    }
    let query = match cx.query_without_token() {
        Ok(query) => query,
        Err(why) => return refuse(StatusCode::BAD_REQUEST, &why),
    };
    let Some(holder) = cx.holder_by("OAuth") else {
        return refuse(StatusCode::UNAUTHORIZED, "Authorization: OAuth <token> is required")
            .with(WWW_AUTHENTICATE, "OAuth realm=\"login.yandex.ru\"");
    };
    match query.get("format") {
        None | Some("json") => Reply::json(StatusCode::OK, &info(cx, &holder)),
        Some("jwt") => Reply::of(StatusCode::OK, "application/jwt", jwt(cx, &holder)),
        Some(_) => refuse(StatusCode::BAD_REQUEST, "format must be json or jwt"),
    }
}

fn refuse(status: StatusCode, why: &str) -> Reply {
    Reply::json(status, &json!({ "error": "invalid_request", "error_description": why }))
}

/// The client of the token, or another one if that is the fault.
fn client<'a>(cx: &Context<'_>, holder: &'a TokenHolder) -> &'a str {
    if cx.has(Fault::WrongClientEcho) { "another-client" } else { &holder.client.id }
}

/// An identifier that differs between clients.
fn psuid(holder: &TokenHolder) -> String {
    format!("1.AAA.{}.{}", holder.client.id, holder.person.subject)
}

fn info(cx: &Context<'_>, holder: &TokenHolder) -> Value {
    let person = &holder.person;
    let in_info = |value: Option<&str>| value.filter(|_| holder.may("login:info")).map(str::to_owned);
    let email = person.email_or_empty().filter(|_| holder.may("login:email"));
    let emails: Option<Vec<_>> =
        email.map(|email| Some(email).filter(|email| !email.is_empty()).into_iter().collect());
    let avatar = |value: Value| holder.may("login:avatar").then_some(value);
    present(json!({
        "id": (!cx.has(Fault::NoSubject)).then_some(&person.subject),
        "login": person.key,
        "client_id": client(cx, holder),
        "psuid": psuid(holder),
        "default_email": email,
        "emails": emails,
        "real_name": in_info(person.name.as_deref()),
        "display_name": in_info(person.name.as_deref()),
        "first_name": in_info(person.given_name()),
        "last_name": in_info(person.family_name()),
        "birthday": person.birthday.as_deref().filter(|_| holder.may("login:birthday")),
        "default_avatar_id": avatar(json!("0/0-0")),
        "is_avatar_empty": avatar(json!(true)),
        "default_phone": holder.may("login:default_phone").then(|| json!({ "id": 1, "number": "+79990000000" })),
    }))
}

/// `format=jwt`: signed with the client secret; the subject is `uid`.
fn jwt(cx: &Context<'_>, holder: &TokenHolder) -> String {
    let person = &holder.person;
    let claims = present(json!({
        "iss": "login.yandex.ru",
        "uid": (!cx.has(Fault::NoSubject)).then(|| person.number()),
        "login": person.key,
        "psuid": psuid(holder),
        "email": person.email_or_empty().filter(|_| holder.may("login:email")),
        "name": person.name.as_deref().filter(|_| holder.may("login:info")),
        "iat": cx.now,
        "exp": cx.now + AN_HOUR,
        "jti": random::word(),
    }));
    key::hs256(&json!({ "alg": "HS256", "typ": "JWT" }), holder.client.secret.as_bytes(), &claims)
}
