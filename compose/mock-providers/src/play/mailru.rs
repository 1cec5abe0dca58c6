//! Mail.ru: the token in the query of the user data, and errors with status 200.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Credentials, Endpoint, Grant, Play, Scopes, present};
use crate::pkce::Pkce;
use crate::refusal::{Fault, Refusal};
use crate::reply::Reply;
use crate::visit::Visit;
use crate::world::{AN_HOUR, Holder};
use crate::{Provider, Trouble};

pub(super) static PLAY: Play = Play {
    provider: Provider::MailRu,
    title: "Mail.ru",
    paths: &[("/login", Endpoint::Authorize), ("/token", Endpoint::Token), ("/userinfo", Endpoint::User)],
    scopes: Scopes { separator: ' ', known: &["userinfo"], default: &["userinfo"] },
    pkce: Pkce { required: false, methods: &["S256"], dots: true },
    credentials: Credentials { basic: true, body: true, public: false },
    required: &["grant_type", "code", "redirect_uri"],
    device: false,
    inspect: |_| Ok(()),
    callback: |_| Vec::new(),
    grant: |_, grant| Reply::json(StatusCode::OK, &token(grant)),
    refuse: |_, refusal| refuse(refusal),
    user,
};

/// Without `token_type`.
fn token(grant: &Grant<'_>) -> Value {
    json!({ "access_token": grant.token, "expires_in": AN_HOUR, "refresh_token": crate::random::word() })
}

fn refuse(refusal: &Refusal) -> Reply {
    let number = match refusal.fault {
        Fault::Request => 1,
        Fault::Client => 2,
        Fault::GrantType => 3,
        Fault::Code => 4,
        Fault::RedirectUri => 5,
    };
    error(refusal.code(), number, &refusal.why)
}

/// The numbers are invented: only that there is one is known.
fn error(code: &str, number: u8, why: &str) -> Reply {
    Reply::json(StatusCode::OK, &json!({ "error": code, "error_code": number, "error_description": why }))
}

/// The token stands in the query; in a header it is not seen.
fn user(visit: &Visit<'_>) -> Reply {
    if visit.request.method != Method::GET {
        return Reply::method_not_allowed("GET");
    }
    let query = match visit.request.query() {
        Ok(query) => query,
        Err(why) => return error("invalid_request", 1, &why.to_string()),
    };
    match query.get("access_token").map(|token| visit.holder(token)) {
        None => error("invalid_request", 1, "access_token is missing in the query"),
        Some(None) => error("token not found", 6, "token not found"),
        Some(Some(holder)) => Reply::json(StatusCode::OK, &info(visit, &holder)),
    }
}

fn info(visit: &Visit<'_>, holder: &Holder) -> Value {
    let person = &holder.person;
    let echo = if visit.has(Trouble::WrongClientEcho) { "another-client" } else { &holder.client.id };
    present(json!({
        "id": (!visit.has(Trouble::NoSubject)).then_some(&person.subject),
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
