//! The log lines of decisions: one for each request whose trace is sampled, one for each that a policy refused, and,
//! at the level `debug`, one for every other refusal.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderValue};
use shared::clock::Clock;
use shared::request_id::RequestId;
use tracing::field::{DisplayValue, display};

use crate::decision_span;
use crate::headers::{POLICY, REQUEST_ID};
use crate::refusal::Refusal;
use crate::token_cache::CachedToken;
use crate::verdict::Verdict;

/// Limits the warnings about nginx's configuration to one line in ten seconds: the time of the last one.
#[derive(Debug, Default)]
pub struct PolicyWarnings(AtomicU64);

/// Logs a decision, if it is one of those. The clock is read only for a warning.
#[cold]
pub fn write(verdict: &Verdict, headers: &HeaderMap, warnings: &PolicyWarnings, clock: &dyn Clock) {
    let (request_id, trace_id, policy) = (request_id(headers), trace_id(headers), policy(headers));
    let user = verdict.token().and_then(CachedToken::user).map(display);
    let Verdict::Deny { refusal, .. } = *verdict else {
        return tracing::info!(request_id, trace_id, policy, user, "Request allowed.");
    };
    let (reason, code) = (refusal.reason(), refusal.code().as_str());
    if refusal.is_by_configuration() {
        if warnings.are_due(clock.unix_seconds()) {
            warn_of_policy(refusal, headers);
        }
    } else if refusal.is_by_policy() || trace_id.is_some() {
        tracing::info!(reason, code, request_id, trace_id, policy, user, "Request refused.");
    } else {
        tracing::debug!(reason, code, request_id, policy, "Request refused.");
    }
}

fn warn_of_policy(refusal: Refusal, headers: &HeaderMap) {
    let (reason, code) = (refusal.reason(), refusal.code().as_str());
    let request_id = request_id(headers);
    let policy = headers.get(POLICY).map(HeaderValue::as_bytes).unwrap_or_default();
    let policy = policy.get(..200).unwrap_or(policy).escape_ascii();
    tracing::warn!(
        reason, code, request_id, %policy,
        "Request refused: the policy is missing or malformed. Correct `$auth_policy` in nginx's configuration."
    );
}

fn request_id(headers: &HeaderMap) -> Option<DisplayValue<RequestId>> {
    headers.get(REQUEST_ID).and_then(|id| RequestId::parse(id.as_bytes())).map(display)
}

/// The id of the request's trace; `None` if the trace is not sampled.
fn trace_id(headers: &HeaderMap) -> Option<DisplayValue<String>> {
    decision_span::parent(headers).map(|parent| display(parent.trace_id()))
}

/// A longer policy is not logged: none in use is so long.
fn policy(headers: &HeaderMap) -> Option<&str> {
    headers.get(POLICY)?.to_str().ok().filter(|policy| policy.len() <= 500)
}

impl PolicyWarnings {
    const PAUSE: u64 = 10;

    /// Whether enough time has passed since the last line. If so, this line becomes the last one.
    fn are_due(&self, now: u64) -> bool {
        let last = self.0.load(Ordering::Relaxed);
        let is_due = now >= last.saturating_add(Self::PAUSE);
        is_due && self.0.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_written_once_in_ten_seconds() {
        let warnings = PolicyWarnings::default();
        assert!(warnings.are_due(1000));
        assert!(!warnings.are_due(1009));
        assert!(warnings.are_due(1010));
    }
}
