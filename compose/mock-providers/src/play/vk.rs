//! VK ID: a device in the callback, the state in the token response, errors with status 200.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Callback, Credentials, Endpoint, Grant, Play, Scopes, present};
use crate::key;
use crate::pkce::Pkce;
use crate::random;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::visit::Visit;
use crate::world::{AN_HOUR, Holder};
use crate::{Person, Provider, Trouble};

pub(super) static PLAY: Play = Play {
    provider: Provider::Vk,
    title: "VK ID",
    paths: &[
        ("/authorize", Endpoint::Authorize),
        ("/oauth2/auth", Endpoint::Token),
        ("/oauth2/user_info", Endpoint::User),
    ],
    scopes: Scopes {
        separator: ' ',
        known: &["vkid.personal_info", "email", "phone"],
        default: &["vkid.personal_info"],
    },
    // Its documentation spells the method both ways.
    pkce: Pkce { required: true, methods: &["S256", "s256"], dots: false },
    credentials: Credentials { basic: false, body: true, public: true },
    required: &["grant_type", "code", "code_verifier", "client_id", "device_id", "redirect_uri", "state"],
    device: true,
    inspect: |_| Ok(()),
    callback,
    grant: |visit, grant| Reply::json(StatusCode::OK, &token(visit, grant)),
    refuse: |_, refusal| refuse(refusal),
    user,
};

fn callback(callback: &Callback<'_>) -> Vec<(&'static str, String)> {
    let dropped = callback.visit.has(Trouble::DropDeviceId);
    let device = callback.device.filter(|_| !dropped).map(|device| ("device_id", device.to_owned()));
    let mut pairs: Vec<_> = device.into_iter().collect();
    if !callback.refused {
        pairs.extend([("type", "code_v2".to_owned()), ("expires_in", "600".to_owned())]);
    }
    pairs
}

fn token(visit: &Visit<'_>, grant: &Grant<'_>) -> Value {
    let state = match visit.has(Trouble::WrongStateEcho) {
        true => random::word(),
        false => grant.form.get("state").unwrap_or_default().to_owned(),
    };
    json!({
        "access_token": grant.token,
        "refresh_token": random::word(),
        "id_token": id_token(visit, grant),
        "expires_in": AN_HOUR,
        "user_id": user_id(&grant.person),
        "state": state,
        "scope": grant.code.ask.scopes.join(" "),
    })
}

/// A JWT whose signature nobody can check: VK publishes no key for it that could be relied on.
fn id_token(visit: &Visit<'_>, grant: &Grant<'_>) -> String {
    let claims =
        json!({ "iss": "VK", "sub": user_id(&grant.person), "iat": visit.now, "exp": visit.now + AN_HOUR });
    key::unsigned(&json!({ "alg": "RS256", "typ": "JWT" }), &claims, random::word().as_bytes())
}

fn user_id(person: &Person) -> Value {
    match person.number().filter(|_| person.numeric_id) {
        Some(number) => number.into(),
        None => person.subject.as_str().into(),
    }
}

fn refuse(refusal: &Refusal) -> Reply {
    error(refusal.code(), &refusal.why)
}

fn error(code: &str, why: &str) -> Reply {
    Reply::json(StatusCode::OK, &json!({ "error": code, "error_description": why }))
}

/// A form in a POST, and nothing else.
fn user(visit: &Visit<'_>) -> Reply {
    if visit.request.method != Method::POST {
        return Reply::method_not_allowed("POST");
    }
    let form = match visit.query_without_token().and_then(|_| visit.request.form()) {
        Ok(form) => form,
        Err(why) => return error("invalid_request", &why),
    };
    let (Some(client), Some(token)) = (form.get("client_id"), form.get("access_token")) else {
        return error("invalid_request", "client_id and access_token are wanted in the form");
    };
    match visit.holder(token).filter(|holder| holder.client.id == client) {
        Some(holder) => Reply::json(StatusCode::OK, &json!({ "user": info(visit, &holder) })),
        None => error("invalid_token", "access_token is unknown, too old or of another client"),
    }
}

fn info(visit: &Visit<'_>, holder: &Holder) -> Value {
    let person = &holder.person;
    present(json!({
        "user_id": (!visit.has(Trouble::NoSubject)).then(|| user_id(person)),
        "first_name": person.given_name(),
        "last_name": person.family_name().unwrap_or_default(),
        "phone": holder.may("phone").then_some("7 *** *** ** 00"),
        "avatar": "https://pp.userapi.com/pretended.jpg",
        "email": person.email_or_empty().filter(|_| holder.may("email")),
        "sex": 0,
        // About the account, not about the address: whoever reads it as that is wrong.
        "verified": true,
        "birthday": person.birthday,
    }))
}
