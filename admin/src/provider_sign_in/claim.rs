//! Claims the flow of a callback: once, at its provider, and only by the client that started it.

use http::HeaderMap;

use super::flow::{Flow, Initiator};
use super::one_time::{self, Kind};
use super::{browser, secret};
use crate::api::{Code, Problem};
use crate::context::Context;
use crate::providers::Provider;

/// A flow, and the PKCE verifier with which its code is exchanged.
pub(super) struct Claimed {
    pub(super) flow: Flow,
    pub(super) verifier: String,
}

/// Takes the flow of `state`. An app sends its `verifier`; a browser is recognised by the cookie in `headers`.
///
/// # Errors
///
/// 400 `state_invalid` when the state is unknown, belongs to another provider, or was created for another browser or
/// app; 503 without Redis.
pub(super) async fn claim(
    context: &Context,
    headers: &HeaderMap,
    provider: &Provider,
    state: &str,
    verifier: Option<&str>,
) -> Result<Claimed, Problem> {
    let unknown = || {
        Problem::new(Code::StateInvalid)
            .detail("Start again and finish the sign-in in the same browser or app.")
    };
    let flow: Flow = one_time::take(context, Kind::Flow, state).await?.ok_or_else(unknown)?;
    if flow.provider != provider.id() {
        return Err(unknown());
    }
    let verifier = match (&flow.initiator, verifier) {
        (Initiator::Browser { fingerprint, verifier }, None) if browser::is_from(headers, fingerprint) => {
            verifier.clone()
        }
        (Initiator::App { challenge }, Some(verifier)) if secret::is_verifier_of(verifier, challenge) => {
            verifier.to_owned()
        }
        (Initiator::Browser { .. } | Initiator::App { .. }, _) => return Err(unknown()),
    };
    Ok(Claimed { flow, verifier })
}
