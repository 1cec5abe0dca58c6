//! What a trouble does to an answer, whatever the answer would have been.

use hyper::StatusCode;
use serde_json::json;

use crate::Trouble;
use crate::play::Endpoint;
use crate::refusal::{Fault, Refusal};
use crate::reply::{Answer, Reply};
use crate::visit::Visit;

/// What takes the place of an answer.
enum Effect {
    Never,
    Hangup,
    InternalError,
    ErrorObject,
    Garbage,
    TooLarge,
    Redirect,
    NotFound,
}

/// The answer of an endpoint, or what its trouble makes of it.
pub(crate) fn apply(visit: &Visit<'_>, endpoint: Endpoint, answer: impl FnOnce() -> Reply) -> Answer {
    let effect = visit.trouble.and_then(effect).filter(|(of, _)| *of == endpoint).map(|(_, effect)| effect);
    let reply = match effect {
        Some(Effect::Never) => return Answer::Never,
        Some(Effect::Hangup) => return Answer::Hangup,
        Some(Effect::InternalError) => {
            Reply::html(StatusCode::INTERNAL_SERVER_ERROR, "<h1>Internal error (pretended)</h1>\n".to_owned())
        }
        Some(Effect::ErrorObject) => error_object(visit, endpoint),
        Some(Effect::Garbage) => {
            Reply::of(StatusCode::OK, "application/json", "{\"access_token\": \u{fffd}<garbage".to_owned())
        }
        Some(Effect::TooLarge) => answer().too_large(),
        Some(Effect::Redirect) => Reply::redirect(
            StatusCode::FOUND,
            &format!("{}/{}/_elsewhere", visit.world.url, visit.play.provider),
        ),
        Some(Effect::NotFound) => Reply::json(StatusCode::NOT_FOUND, &json!({ "message": "Not Found" })),
        None => answer(),
    };
    if visit.has(Trouble::Slow) && is_asked_by_servers(endpoint) {
        Answer::Later(reply)
    } else {
        Answer::Now(reply)
    }
}

/// The provider's own error, with a status that says that all is well.
fn error_object(visit: &Visit<'_>, endpoint: Endpoint) -> Reply {
    if endpoint == Endpoint::Token {
        let refusal = Refusal::new(Fault::Code, "pretended");
        return (visit.play.refuse)(visit.request, &refusal).with_status(StatusCode::OK);
    }
    Reply::json(StatusCode::OK, &json!({ "error": "invalid_token", "error_description": "pretended" }))
}

fn is_asked_by_servers(endpoint: Endpoint) -> bool {
    match endpoint {
        Endpoint::Token | Endpoint::User | Endpoint::Emails | Endpoint::Keys | Endpoint::Discovery => true,
        Endpoint::Authorize | Endpoint::Decide | Endpoint::Elsewhere => false,
    }
}

/// Which endpoint shows what; `None` for troubles that are inside an answer.
fn effect(trouble: Trouble) -> Option<(Endpoint, Effect)> {
    match trouble {
        Trouble::TokenTimeout => Some((Endpoint::Token, Effect::Never)),
        Trouble::Token500 => Some((Endpoint::Token, Effect::InternalError)),
        Trouble::ErrorIn200 => Some((Endpoint::Token, Effect::ErrorObject)),
        Trouble::TokenGarbage => Some((Endpoint::Token, Effect::Garbage)),
        Trouble::TokenTooLarge => Some((Endpoint::Token, Effect::TooLarge)),
        Trouble::TokenRedirect => Some((Endpoint::Token, Effect::Redirect)),
        Trouble::Close => Some((Endpoint::Token, Effect::Hangup)),
        Trouble::UserTimeout => Some((Endpoint::User, Effect::Never)),
        Trouble::User500 => Some((Endpoint::User, Effect::InternalError)),
        Trouble::UserErrorIn200 => Some((Endpoint::User, Effect::ErrorObject)),
        Trouble::UserGarbage => Some((Endpoint::User, Effect::Garbage)),
        Trouble::UserTooLarge => Some((Endpoint::User, Effect::TooLarge)),
        Trouble::UserRedirect => Some((Endpoint::User, Effect::Redirect)),
        Trouble::Emails404 => Some((Endpoint::Emails, Effect::NotFound)),
        Trouble::WrongClientEcho
        | Trouble::WrongStateEcho
        | Trouble::WrongStateCallback
        | Trouble::WrongIssuer
        | Trouble::WrongAudience
        | Trouble::WrongNonce
        | Trouble::ExpiredIdToken
        | Trouble::BadSignature
        | Trouble::UnknownKey
        | Trouble::AlgNone
        | Trouble::Hs256WithPublicKey
        | Trouble::WrongCallbackIssuer
        | Trouble::DropDeviceId
        | Trouble::NoSubject
        | Trouble::Slow => None,
    }
}
