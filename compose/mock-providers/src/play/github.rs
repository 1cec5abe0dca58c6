//! GitHub: forms unless JSON is asked for, errors with status 200, addresses in a second request.

use hyper::header::USER_AGENT;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Credentials, Endpoint, Grant, Play, Scopes};
use crate::pkce::Pkce;
use crate::refusal::{Fault, Refusal};
use crate::reply::Reply;
use crate::request::Request;
use crate::visit::{Visit, unauthorized};
use crate::world::Holder;
use crate::{Person, Provider, Trouble};

pub(super) static PLAY: Play = Play {
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
    credentials: Credentials { basic: false, body: true, public: false },
    required: &["code"],
    device: false,
    inspect: |_| Ok(()),
    callback: |_| Vec::new(),
    grant: |visit, grant| spoken(visit.request, &token(grant)),
    refuse,
    user,
};

/// Scopes are separated by spaces in the request, and by commas here.
fn token(grant: &Grant<'_>) -> Value {
    let scope = grant.code.ask.scopes.join(",");
    json!({ "access_token": grant.token, "scope": scope, "token_type": "bearer" })
}

fn refuse(request: &Request, refusal: &Refusal) -> Reply {
    let code = match refusal.fault {
        Fault::Request => "invalid_request",
        Fault::Client => "incorrect_client_credentials",
        Fault::Code => "bad_verification_code",
        Fault::RedirectUri => "redirect_uri_mismatch",
        Fault::GrantType => "unsupported_grant_type",
    };
    spoken(request, &json!({ "error": code, "error_description": refusal.why }))
}

/// 200 in any case, and a form unless JSON was asked for.
fn spoken(request: &Request, value: &Value) -> Reply {
    match request.accepts_json() {
        true => Reply::json(StatusCode::OK, value),
        false => Reply::form(StatusCode::OK, value),
    }
}

/// Whose token came, or the answer that its absence deserves.
fn holder(visit: &Visit<'_>) -> Result<Holder, Reply> {
    if visit.request.method != Method::GET {
        return Err(Reply::method_not_allowed("GET"));
    }
    if visit.request.header(USER_AGENT).is_none() {
        let why = "Request forbidden by administrative rules. A User-Agent header is wanted.\n";
        return Err(Reply::text(StatusCode::FORBIDDEN, why));
    }
    if let Err(why) = visit.query_without_token() {
        return Err(Reply::json(StatusCode::BAD_REQUEST, &json!({ "message": why })));
    }
    let bad =
        || unauthorized("Bearer realm=\"GitHub\"", &json!({ "message": "Bad credentials", "status": "401" }));
    visit.holder_by("Bearer").ok_or_else(bad)
}

fn user(visit: &Visit<'_>) -> Reply {
    match holder(visit) {
        Err(reply) => reply,
        Ok(holder) if !holder.may("read:user") => Reply::json(
            StatusCode::FORBIDDEN,
            &json!({ "message": "read:user was not granted", "status": "403" }),
        ),
        Ok(holder) => Reply::json(StatusCode::OK, &profile(visit, &holder.person)),
    }
}

/// Without an address: it is `null` for whoever does not show it to everybody.
fn profile(visit: &Visit<'_>, person: &Person) -> Value {
    let mut profile = json!({
        "login": person.key,
        "id": person.number(),
        "node_id": "U_pretended",
        "avatar_url": "https://avatars.githubusercontent.com/u/0?v=4",
        "type": "User",
        "name": person.name,
        "email": null,
    });
    if visit.has(Trouble::NoSubject) {
        profile.as_object_mut().and_then(|members| members.remove("id"));
    }
    profile
}

/// Answers `GET /user/emails`: the primary address is neither the first nor the only verified one.
pub(crate) fn emails(visit: &Visit<'_>) -> Reply {
    let holder = match holder(visit) {
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
    list.extend(person.email.as_ref().map(|email| {
        json!({ "email": email, "primary": true, "verified": person.email_verified, "visibility": "private" })
    }));
    Reply::json(StatusCode::OK, &Value::Array(list))
}
