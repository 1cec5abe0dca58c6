//! Injects the fault of a provider into the replies of its endpoints.

use hyper::StatusCode;
use hyper::header::{HeaderName, RETRY_AFTER};
use serde_json::json;

use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::fault::Fault;
use crate::reply::{Delivery, Reply};
use crate::stub::Stub;
use crate::token_error::{ErrorKind, TokenError};

/// The response instead of the reply.
enum Effect {
    Never,
    Hangup,
    InternalError,
    ErrorObject,
    Garbage,
    TooLarge,
    Redirect,
    NotFound,
    Forbidden,
    /// 403 because of too many requests, without any header.
    SecondaryLimit,
    /// 403 because of too many requests, with this header.
    RateLimit(HeaderName, &'static str),
}

/// How many requests are left (GitHub).
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");

/// The reply of an endpoint, or what its fault makes of it.
pub(crate) fn apply(
    stub: &Stub,
    cx: &Context<'_>,
    endpoint: Endpoint,
    reply: impl FnOnce() -> Reply,
) -> Delivery {
    let effect = cx.fault.and_then(effect).filter(|(of, _)| *of == endpoint).map(|(_, effect)| effect);
    let reply = match effect {
        Some(Effect::Never) => return Delivery::Never,
        Some(Effect::Hangup) => return Delivery::Hangup,
        Some(Effect::InternalError) => {
            Reply::html(StatusCode::INTERNAL_SERVER_ERROR, "<h1>Internal error (mock)</h1>\n".to_owned())
        }
        Some(Effect::ErrorObject) => error_object(stub, cx, endpoint),
        Some(Effect::Garbage) => {
            Reply::of(StatusCode::OK, "application/json", "{\"access_token\": \u{fffd}<garbage".to_owned())
        }
        Some(Effect::TooLarge) => reply().too_large(),
        Some(Effect::Redirect) => {
            Reply::redirect(StatusCode::FOUND, &format!("{}/{}/_elsewhere", cx.store.url, cx.provider))
        }
        Some(Effect::Forbidden) => Reply::json(
            StatusCode::FORBIDDEN,
            &json!({ "message": "Resource not accessible by integration", "status": "403" }),
        )
        .with(REMAINING, "4999"),
        Some(Effect::SecondaryLimit) => {
            let why =
                "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
            Reply::json(StatusCode::FORBIDDEN, &json!({ "message": why }))
        }
        Some(Effect::RateLimit(name, value)) => {
            Reply::json(StatusCode::FORBIDDEN, &json!({ "message": "API rate limit exceeded" }))
                .with(name, value)
        }
        Some(Effect::NotFound) => Reply::json(StatusCode::NOT_FOUND, &json!({ "message": "Not Found" })),
        None => reply(),
    };
    if cx.has(Fault::Slow) && is_for_servers(endpoint) {
        Delivery::Later(reply)
    } else {
        Delivery::Now(reply)
    }
}

/// The provider's own error, with a status of success.
fn error_object(stub: &Stub, cx: &Context<'_>, endpoint: Endpoint) -> Reply {
    if endpoint == Endpoint::Token {
        let error = TokenError::new(ErrorKind::Code, "mock");
        return (stub.refuse)(cx.request, &error).with_status(StatusCode::OK);
    }
    Reply::json(StatusCode::OK, &json!({ "error": "invalid_token", "error_description": "mock" }))
}

fn is_for_servers(endpoint: Endpoint) -> bool {
    match endpoint {
        Endpoint::Token | Endpoint::User | Endpoint::Emails | Endpoint::Keys | Endpoint::Discovery => true,
        Endpoint::Authorize | Endpoint::Decide | Endpoint::Elsewhere => false,
    }
}

/// The endpoint that has the fault, and its effect; `None` for faults inside a reply.
fn effect(fault: Fault) -> Option<(Endpoint, Effect)> {
    match fault {
        Fault::TokenTimeout => Some((Endpoint::Token, Effect::Never)),
        Fault::Token500 => Some((Endpoint::Token, Effect::InternalError)),
        Fault::ErrorIn200 => Some((Endpoint::Token, Effect::ErrorObject)),
        Fault::TokenGarbage => Some((Endpoint::Token, Effect::Garbage)),
        Fault::TokenTooLarge => Some((Endpoint::Token, Effect::TooLarge)),
        Fault::TokenRedirect => Some((Endpoint::Token, Effect::Redirect)),
        Fault::Close => Some((Endpoint::Token, Effect::Hangup)),
        Fault::UserTimeout => Some((Endpoint::User, Effect::Never)),
        Fault::User500 => Some((Endpoint::User, Effect::InternalError)),
        Fault::UserErrorIn200 => Some((Endpoint::User, Effect::ErrorObject)),
        Fault::UserGarbage => Some((Endpoint::User, Effect::Garbage)),
        Fault::UserTooLarge => Some((Endpoint::User, Effect::TooLarge)),
        Fault::UserRedirect => Some((Endpoint::User, Effect::Redirect)),
        Fault::Emails404 => Some((Endpoint::Emails, Effect::NotFound)),
        Fault::Emails403 => Some((Endpoint::Emails, Effect::Forbidden)),
        Fault::EmailsRetryAfter => Some((Endpoint::Emails, Effect::RateLimit(RETRY_AFTER, "60"))),
        Fault::EmailsSecondaryLimit => Some((Endpoint::Emails, Effect::SecondaryLimit)),
        Fault::EmailsRateLimit => Some((Endpoint::Emails, Effect::RateLimit(REMAINING, "0"))),
        Fault::WrongClientEcho
        | Fault::WrongStateEcho
        | Fault::WrongStateCallback
        | Fault::WrongIssuer
        | Fault::WrongAudience
        | Fault::WrongNonce
        | Fault::ExpiredIdToken
        | Fault::BadSignature
        | Fault::UnknownKey
        | Fault::AlgNone
        | Fault::Hs256WithPublicKey
        | Fault::WrongCallbackIssuer
        | Fault::DropDeviceId
        | Fault::NoSubject
        | Fault::LongCode
        | Fault::LargeIdToken
        | Fault::WrongTenant
        | Fault::WrongKeyIssuer
        | Fault::Slow => None,
    }
}
