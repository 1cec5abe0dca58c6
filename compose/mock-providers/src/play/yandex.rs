//! Yandex ID: the scheme `OAuth`, and user data that may be a JWT.

use hyper::header::WWW_AUTHENTICATE;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Credentials, Endpoint, Grant, Play, Scopes, present};
use crate::key;
use crate::params::Params;
use crate::pkce::Pkce;
use crate::random;
use crate::reply::Reply;
use crate::visit::Visit;
use crate::world::{AN_HOUR, Holder};
use crate::{Provider, Trouble};

pub(super) static PLAY: Play = Play {
    provider: Provider::Yandex,
    title: "Yandex ID",
    paths: &[("/authorize", Endpoint::Authorize), ("/token", Endpoint::Token), ("/info", Endpoint::User)],
    scopes: Scopes {
        separator: ' ',
        known: &["login:email", "login:info", "login:avatar", "login:birthday", "login:default_phone"],
        default: &["login:email", "login:info"],
    },
    pkce: Pkce { required: false, methods: &["S256"], dots: true },
    credentials: Credentials { basic: true, body: true, public: false },
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
        false => Err("device_id is not 6 to 50 printable ASCII characters".to_owned()),
    }
}

fn token(grant: &Grant<'_>) -> Value {
    json!({
        "token_type": "bearer",
        "access_token": grant.token,
        "expires_in": AN_HOUR,
        "scope": grant.code.ask.scopes.join(" "),
    })
}

fn user(visit: &Visit<'_>) -> Reply {
    if visit.request.method != Method::GET {
        return Reply::method_not_allowed("GET");
    }
    let query = match visit.query_without_token() {
        Ok(query) => query,
        Err(why) => return refuse(StatusCode::BAD_REQUEST, &why),
    };
    let Some(holder) = visit.holder_by("OAuth") else {
        return refuse(StatusCode::UNAUTHORIZED, "Authorization: OAuth <token> is wanted")
            .with(WWW_AUTHENTICATE, "OAuth realm=\"login.yandex.ru\"");
    };
    match query.get("format") {
        None | Some("json") => Reply::json(StatusCode::OK, &info(visit, &holder)),
        Some("jwt") => Reply::of(StatusCode::OK, "application/jwt", jwt(visit, &holder)),
        Some(_) => refuse(StatusCode::BAD_REQUEST, "format is neither json nor jwt"),
    }
}

fn refuse(status: StatusCode, why: &str) -> Reply {
    Reply::json(status, &json!({ "error": "invalid_request", "error_description": why }))
}

/// The client to whom the token was given, or another when that is the trouble.
fn client<'a>(visit: &Visit<'_>, holder: &'a Holder) -> &'a str {
    if visit.has(Trouble::WrongClientEcho) { "another-client" } else { &holder.client.id }
}

/// A name that is another one at every client.
fn psuid(holder: &Holder) -> String {
    format!("1.AAA.{}.{}", holder.client.id, holder.person.subject)
}

fn info(visit: &Visit<'_>, holder: &Holder) -> Value {
    let person = &holder.person;
    let in_info = |value: Option<&str>| value.filter(|_| holder.may("login:info")).map(str::to_owned);
    let email = person.email_or_empty().filter(|_| holder.may("login:email"));
    let emails: Option<Vec<_>> =
        email.map(|email| Some(email).filter(|email| !email.is_empty()).into_iter().collect());
    let avatar = |value: Value| holder.may("login:avatar").then_some(value);
    present(json!({
        "id": (!visit.has(Trouble::NoSubject)).then_some(&person.subject),
        "login": person.key,
        "client_id": client(visit, holder),
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

/// `format=jwt`: signed with the client's secret, and the identifier is `uid`.
fn jwt(visit: &Visit<'_>, holder: &Holder) -> String {
    let person = &holder.person;
    let claims = present(json!({
        "iss": "login.yandex.ru",
        "uid": (!visit.has(Trouble::NoSubject)).then(|| person.number()),
        "login": person.key,
        "psuid": psuid(holder),
        "email": person.email_or_empty().filter(|_| holder.may("login:email")),
        "name": person.name.as_deref().filter(|_| holder.may("login:info")),
        "iat": visit.now,
        "exp": visit.now + AN_HOUR,
        "jti": random::word(),
    }));
    key::hs256(&json!({ "alg": "HS256", "typ": "JWT" }), holder.client.secret.as_bytes(), &claims)
}
