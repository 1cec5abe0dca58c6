//! What a callback came to, and the response for it.

use http::{HeaderMap, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::browser;
use super::one_time::{Kind, store_new};
use super::pending_link::PendingLink;
use super::return_to::ReturnTo;
use super::sign_in::PendingSignIn;
use crate::api::{Code, Problem, Response};
use crate::context::Context;
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

impl Outcome {
    /// The response for a client that came back from `provider`, and whose browser returns to `page`.
    ///
    /// # Errors
    ///
    /// 409 `link_confirmation_required`; 403 `account_disabled`; 503 without Redis.
    pub(super) async fn into_response(
        self,
        context: &Context,
        headers: &HeaderMap,
        provider: &str,
        page: Option<&ReturnTo>,
    ) -> Result<Response, Problem> {
        match (self, page) {
            (Self::SignedIn(pair), _) => Ok(Response::json(StatusCode::OK, &Body::SignedIn(pair))),
            (Self::OneTimeCode { sign_in, page }, _) => {
                let code = store_new(context, Kind::SignIn, &sign_in).await?;
                Ok(browser::renew(headers, page.with(&[("one_time_code", &code)])))
            }
            (Self::Linked, Some(page)) => Ok(page.with(&[("linked", provider)])),
            (Self::Linked, None) => {
                let linked = Linked { linked: provider.to_owned() };
                Ok(Response::json(StatusCode::OK, &Body::Linked(linked)))
            }
            (Self::ConfirmLink(link), _) => {
                let flow = store_new(context, Kind::Link, &link).await?;
                Err(Problem::new(Code::LinkConfirmationRequired).flow(flow))
            }
            (Self::Disabled, _) => Err(Problem::new(Code::AccountDisabled)),
        }
    }
}
