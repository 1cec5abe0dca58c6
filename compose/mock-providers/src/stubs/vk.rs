//! VK ID: a device in the callback, the state in the token response, errors with status 200.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::fault::Fault;
use crate::key;
use crate::person::Person;
use crate::pkce::Pkce;
use crate::provider::Provider;
use crate::random;
use crate::reply::Reply;
use crate::store::{AN_HOUR, TokenHolder};
use crate::stub::{Callback, ClientAuth, Grant, Scopes, Stub, present};
use crate::token_error::TokenError;

pub(super) static STUB: Stub = Stub {
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
    // Its documentation uses both spellings of the method.
    pkce: Pkce { required: true, methods: &["S256", "s256"], dots: false },
    client_auth: ClientAuth { basic: false, body: true, public: true },
    required: &["grant_type", "code", "code_verifier", "client_id", "device_id", "redirect_uri", "state"],
    device: true,
    inspect: |_| Ok(()),
    callback,
    grant: |cx, grant| Reply::json(StatusCode::OK, &token(cx, grant)),
    refuse: |_, why| refuse(why),
    user,
};

fn callback(callback: &Callback<'_>) -> Vec<(&'static str, String)> {
    let dropped = callback.cx.has(Fault::DropDeviceId);
    let device = callback.device.filter(|_| !dropped).map(|device| ("device_id", device.to_owned()));
    let mut pairs: Vec<_> = device.into_iter().collect();
    if !callback.refused {
        pairs.extend([("type", "code_v2".to_owned()), ("expires_in", "600".to_owned())]);
    }
    pairs
}

fn token(cx: &Context<'_>, grant: &Grant<'_>) -> Value {
    let state = match cx.has(Fault::WrongStateEcho) {
        true => random::word(),
        false => grant.form.get("state").unwrap_or_default().to_owned(),
    };
    json!({
        "access_token": grant.token,
        "refresh_token": random::word(),
        "id_token": id_token(cx, grant),
        "expires_in": AN_HOUR,
        "user_id": user_id(&grant.person),
        "state": state,
        "scope": grant.code.request.scopes.join(" "),
    })
}

/// A JWT whose signature cannot be verified: VK publishes no reliable key for it.
fn id_token(cx: &Context<'_>, grant: &Grant<'_>) -> String {
    let claims =
        json!({ "iss": "VK", "sub": user_id(&grant.person), "iat": cx.now, "exp": cx.now + AN_HOUR });
    key::unsigned(&json!({ "alg": "RS256", "typ": "JWT" }), &claims, random::word().as_bytes())
}

fn user_id(person: &Person) -> Value {
    match person.number().filter(|_| person.numeric_id) {
        Some(number) => number.into(),
        None => person.subject.as_str().into(),
    }
}

fn refuse(why: &TokenError) -> Reply {
    error(why.code(), &why.why)
}

fn error(code: &str, why: &str) -> Reply {
    Reply::json(StatusCode::OK, &json!({ "error": code, "error_description": why }))
}

/// A form in a POST only.
fn user(cx: &Context<'_>) -> Reply {
    if cx.request.method != Method::POST {
        return Reply::method_not_allowed("POST");
    }
    let form = match cx.query_without_token().and_then(|_| cx.request.form()) {
        Ok(form) => form,
        Err(why) => return error("invalid_request", &why),
    };
    let (Some(client), Some(token)) = (form.get("client_id"), form.get("access_token")) else {
        return error("invalid_request", "client_id and access_token are required in the form");
    };
    match cx.holder(token).filter(|holder| holder.client.id == client) {
        Some(holder) => Reply::json(StatusCode::OK, &json!({ "user": info(cx, &holder) })),
        None => error("invalid_token", "access_token is unknown, expired or of another client"),
    }
}

fn info(cx: &Context<'_>, holder: &TokenHolder) -> Value {
    let person = &holder.person;
    present(json!({
        "user_id": (!cx.has(Fault::NoSubject)).then(|| user_id(person)),
        "first_name": person.given_name(),
        "last_name": person.family_name().unwrap_or_default(),
        "phone": holder.may("phone").then_some("7 *** *** ** 00"),
        "avatar": "https://pp.userapi.com/pretended.jpg",
        "email": person.email_or_empty().filter(|_| holder.may("email")),
        "sex": 0,
        // About the account, not the address: a client must not use it for the address.
        "verified": true,
        "birthday": person.birthday,
    }))
}
