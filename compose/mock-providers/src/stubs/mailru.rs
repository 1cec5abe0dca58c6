//! Mail.ru: the access token in the query of the user info, and errors with status 200.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::fault::Fault;
use crate::pkce::Pkce;
use crate::provider::Provider;
use crate::reply::Reply;
use crate::store::{AN_HOUR, TokenHolder};
use crate::stub::{ClientAuth, Grant, Scopes, Stub, present};
use crate::token_error::{ErrorKind, TokenError};

pub(super) static STUB: Stub = Stub {
    provider: Provider::MailRu,
    title: "Mail.ru",
    paths: &[("/login", Endpoint::Authorize), ("/token", Endpoint::Token), ("/userinfo", Endpoint::User)],
    scopes: Scopes { separator: ' ', known: &["userinfo"], default: &["userinfo"] },
    pkce: Pkce { required: false, methods: &["S256"], dots: true },
    client_auth: ClientAuth { basic: true, body: true, public: false },
    required: &["grant_type", "code", "redirect_uri"],
    device: false,
    inspect: |_| Ok(()),
    callback: |_| Vec::new(),
    grant: |_, grant| Reply::json(StatusCode::OK, &token(grant)),
    refuse: |_, why| refuse(why),
    user,
};

/// Without `token_type`.
fn token(grant: &Grant<'_>) -> Value {
    json!({ "access_token": grant.token, "expires_in": AN_HOUR, "refresh_token": crate::random::word() })
}

fn refuse(why: &TokenError) -> Reply {
    let number = match why.kind {
        ErrorKind::Request => 1,
        ErrorKind::Client => 2,
        ErrorKind::GrantType => 3,
        ErrorKind::Code => 4,
        ErrorKind::RedirectUri => 5,
    };
    error(why.code(), number, &why.why)
}

/// The numbers are invented: the documentation only says that there is one.
fn error(code: &str, number: u8, why: &str) -> Reply {
    Reply::json(StatusCode::OK, &json!({ "error": code, "error_code": number, "error_description": why }))
}

/// The token must be in the query; a header is ignored.
fn user(cx: &Context<'_>) -> Reply {
    if cx.request.method != Method::GET {
        return Reply::method_not_allowed("GET");
    }
    let query = match cx.request.query() {
        Ok(query) => query,
        Err(why) => return error("invalid_request", 1, &why.to_string()),
    };
    match query.get("access_token").map(|token| cx.holder(token)) {
        None => error("invalid_request", 1, "access_token is missing in the query"),
        Some(None) => error("token not found", 6, "token not found"),
        Some(Some(holder)) => Reply::json(StatusCode::OK, &info(cx, &holder)),
    }
}

fn info(cx: &Context<'_>, holder: &TokenHolder) -> Value {
    let person = &holder.person;
    let echo = if cx.has(Fault::WrongClientEcho) { "another-client" } else { &holder.client.id };
    present(json!({
        "id": (!cx.has(Fault::NoSubject)).then_some(&person.subject),
        "client_id": echo,
        "email": person.email,
        "name": person.name,
        "first_name": person.given_name(),
        "last_name": person.family_name(),
        "nickname": person.key,
        "locale": "ru_RU",
        "gender": "f",
        "birthday": person.birthday,
        "image": "https://filin.mail.ru/pic?pretended",
    }))
}
