//! GitHub: forms unless JSON is accepted, errors with status 200, addresses in a second request.

use hyper::header::USER_AGENT;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::context::{Context, unauthorized};
use crate::endpoint::Endpoint;
use crate::fault::Fault;
use crate::person::Person;
use crate::pkce::Pkce;
use crate::provider::Provider;
use crate::reply::Reply;
use crate::request::Request;
use crate::store::TokenHolder;
use crate::stub::{ClientAuth, Grant, Scopes, Stub};
use crate::token_error::{ErrorKind, TokenError};

pub(super) static STUB: Stub = Stub {
    provider: Provider::GitHub,
    title: "GitHub",
    paths: &[
        ("/login/oauth/authorize", Endpoint::Authorize),
        ("/login/oauth/access_token", Endpoint::Token),
        ("/user", Endpoint::User),
        ("/user/emails", Endpoint::Emails),
    ],
    scopes: Scopes { separator: ' ', known: &["read:user", "user:email"], default: &[] },
    pkce: Pkce { required: false, methods: &["S256"], dots: true },
    client_auth: ClientAuth { basic: false, body: true, public: false },
    required: &["code"],
    device: false,
    inspect: |_| Ok(()),
    callback: |_| Vec::new(),
    grant: |cx, grant| form_or_json(cx.request, &token(grant)),
    refuse,
    user,
};

/// Scopes are separated by spaces in the request, and by commas here.
fn token(grant: &Grant<'_>) -> Value {
    let scope = grant.code.request.scopes.join(",");
    json!({ "access_token": grant.token, "scope": scope, "token_type": "bearer" })
}

fn refuse(request: &Request, error: &TokenError) -> Reply {
    let code = match error.kind {
        ErrorKind::Request => "invalid_request",
        ErrorKind::Client => "incorrect_client_credentials",
        ErrorKind::Code => "bad_verification_code",
        ErrorKind::RedirectUri => "redirect_uri_mismatch",
        ErrorKind::GrantType => "unsupported_grant_type",
    };
    form_or_json(request, &json!({ "error": code, "error_description": error.why }))
}

/// Always 200, and a form unless JSON is accepted.
fn form_or_json(request: &Request, value: &Value) -> Reply {
    match request.accepts_json() {
        true => Reply::json(StatusCode::OK, value),
        false => Reply::form(StatusCode::OK, value),
    }
}

/// The holder of the token, or the reply without a valid one.
fn holder(cx: &Context<'_>) -> Result<TokenHolder, Reply> {
    if cx.request.method != Method::GET {
        return Err(Reply::method_not_allowed("GET"));
    }
    if cx.request.header(USER_AGENT).is_none() {
        let why = "Request forbidden by administrative rules. A User-Agent header is required.\n";
        return Err(Reply::text(StatusCode::FORBIDDEN, why));
    }
    if let Err(why) = cx.query_without_token() {
        return Err(Reply::json(StatusCode::BAD_REQUEST, &json!({ "message": why })));
    }
    let bad =
        || unauthorized("Bearer realm=\"GitHub\"", &json!({ "message": "Bad credentials", "status": "401" }));
    cx.holder_by("Bearer").ok_or_else(bad)
}

fn user(cx: &Context<'_>) -> Reply {
    match holder(cx) {
        Err(reply) => reply,
        Ok(holder) if !holder.may("read:user") => Reply::json(
            StatusCode::FORBIDDEN,
            &json!({ "message": "read:user was not granted", "status": "403" }),
        ),
        Ok(holder) => Reply::json(StatusCode::OK, &profile(cx, &holder.person)),
    }
}

/// Without an address: it is `null` unless the user publishes it.
fn profile(cx: &Context<'_>, person: &Person) -> Value {
    let mut profile = json!({
        "login": person.key,
        "id": person.number(),
        "node_id": "U_pretended",
        "avatar_url": "https://avatars.githubusercontent.com/u/0?v=4",
        "type": "User",
        "name": person.name,
        "email": null,
    });
    if cx.has(Fault::NoSubject) {
        profile.as_object_mut().and_then(|members| members.remove("id"));
    }
    profile
}

/// The entries of a page without `per_page`, and the most with it.
const PAGE: usize = 30;
const MAX_PAGE: usize = 100;

/// Answers `GET /user/emails`, in pages: the primary address is neither the first nor the only verified one.
pub(crate) fn emails(cx: &Context<'_>) -> Reply {
    let holder = match holder(cx) {
        Err(reply) => return reply,
        Ok(holder) => holder,
    };
    if !holder.may("user:email") {
        return Reply::json(StatusCode::NOT_FOUND, &json!({ "message": "Not Found", "status": "404" }));
    }
    let person = &holder.person;
    let hidden = format!("{}+{}@users.noreply.github.com", person.subject, person.key);
    let old = format!("{}@old.example.net", person.key);
    let mut list = vec![
        json!({ "email": hidden, "primary": false, "verified": true, "visibility": null }),
        json!({ "email": old, "primary": false, "verified": false, "visibility": null }),
    ];
    let more = |number| {
        let email = format!("{}+{number}@more.example.net", person.key);
        json!({ "email": email, "primary": false, "verified": true, "visibility": null })
    };
    list.extend((0..person.more_emails).map(more));
    list.extend(person.email.as_ref().map(|email| {
        json!({ "email": email, "primary": true, "verified": person.email_verified, "visibility": "private" })
    }));
    let number = |name, default: usize| {
        let query = cx.request.query().ok()?;
        query.get(name).map_or(Some(default), |text| text.parse().ok())
    };
    let (Some(size), Some(page)) = (number("per_page", PAGE), number("page", 1)) else {
        return Reply::json(StatusCode::UNPROCESSABLE_ENTITY, &json!({ "message": "Not a number" }));
    };
    let size = size.clamp(1, MAX_PAGE);
    let before = page.saturating_sub(1).saturating_mul(size);
    Reply::json(StatusCode::OK, &list.into_iter().skip(before).take(size).collect())
}
