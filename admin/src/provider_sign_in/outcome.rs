//! What a callback came to, and the response for it.

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::browser;
use super::one_time::{Kind, store_new};
use super::pending_link::PendingLink;
use super::return_to::ReturnTo;
use super::sign_in::PendingSignIn;
use crate::api::{Code, Problem, Request, Response};
use crate::metrics::CallbackOutcome;
use crate::providers::Provider;
use crate::sessions::Pair;

/// What a callback came to.
pub(super) enum Outcome {
    /// The user is signed in.
    SignedIn(Pair),
    /// The user will be signed in by the page that the browser returns to.
    OneTimeCode { sign_in: PendingSignIn, page: ReturnTo },
    /// The identity is linked to the user who asked for it.
    Linked,
    /// The user must confirm the link with a password.
    ConfirmLink(PendingLink),
    /// The user's account is disabled.
    Disabled,
}

/// A token pair, or, after linking, the provider.
#[derive(Serialize, ToSchema)]
#[schema(as = CallbackAnswer)]
#[serde(untagged)]
pub(super) enum Body {
    SignedIn(Pair),
    Linked(Linked),
}

/// An account at a provider was linked.
#[derive(Serialize, ToSchema)]
pub(super) struct Linked {
    /// The provider.
    linked: String,
}

/// Answers the callback of `provider`, and counts how it ended: by a redirect to `page` in any case, or directly.
///
/// # Errors
///
/// Without a page, the problem of `result`, or one of the outcome: 409 `link_confirmation_required`; 403
/// `account_disabled`; 503 without Redis.
pub(super) async fn respond(
    request: &Request,
    provider: &Provider,
    page: Option<&ReturnTo>,
    result: Result<Outcome, Problem>,
) -> Result<Response, Problem> {
    let mut label = CallbackOutcome::Accepted;
    let response = match result {
        Err(problem) => Err(problem),
        Ok(Outcome::SignedIn(pair)) => Ok(Response::json(StatusCode::OK, &Body::SignedIn(pair))),
        Ok(Outcome::OneTimeCode { sign_in, page }) => {
            let code = store_new(&request.context, Kind::SignIn, &sign_in).await;
            code.map(|code| browser::renew(&request.headers, page.with(&[("one_time_code", &code)])))
        }
        Ok(Outcome::Linked) => {
            label = CallbackOutcome::Linked;
            let linked = Linked { linked: provider.id().to_owned() };
            Ok(match page {
                Some(page) => page.with(&[("linked", provider.id())]),
                None => Response::json(StatusCode::OK, &Body::Linked(linked)),
            })
        }
        Ok(Outcome::ConfirmLink(link)) => {
            let flow = store_new(&request.context, Kind::Link, &link).await;
            Err(flow.map_or_else(
                |problem| problem,
                |flow| Problem::new(Code::LinkConfirmationRequired).flow(flow),
            ))
        }
        Ok(Outcome::Disabled) => Err(Problem::new(Code::AccountDisabled)),
    };
    if let Err(problem) = &response {
        label = CallbackOutcome::Failed(problem.code().as_str());
    }
    request.context.metrics.provider_callback(provider.id(), label);
    match (response, page) {
        (Err(problem), Some(page)) => Ok(browser::renew(&request.headers, page.with_error(&problem))),
        (response, _) => response,
    }
}
