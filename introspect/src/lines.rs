//! What the log has of decisions: a line for each whose trace is kept, for each that a policy refused, and, at the level of
//! debugging, for every other refusal.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderValue, Request};
use shared::request_id::{self, RequestId};
use tracing::field::{DisplayValue, display};

use crate::decide::{Decider, POLICY};
use crate::remembered::Known;
use crate::traces;
use crate::verdict::{Identity, Refusal, Verdict};

/// Keeps a mistake in nginx's configuration from filling the log: one line in so many seconds.
#[derive(Debug, Default)]
pub struct Complaints {
    last: AtomicU64,
}

/// Writes the line of a decision whose trace is kept, if it let somebody through.
#[cold]
pub fn kept(verdict: &Verdict, headers: &HeaderMap) {
    let user = match verdict {
        Verdict::Allow(Identity::Known(known)) => user(known),
        Verdict::Allow(Identity::Nobody) => None,
        // Has a line of its own.
        Verdict::Deny(_) => return,
    };
    let user = user.map(display);
    let (request_id, trace_id, policy) = (request_id(headers), trace_id(headers), policy(headers));
    tracing::info!(request_id, trace_id, policy, user, "A request was let through.");
}

/// Writes the line of a refusal.
#[cold]
pub fn refused<B>(refusal: Refusal, request: &Request<B>, decider: &Decider, complaints: &Complaints) {
    let headers = request.headers();
    let reason = refusal.label();
    let request_id = request_id(headers);
    if refusal.is_a_mistake_of_nginx() {
        if complaints.may_speak(decider.clock.unix_seconds()) {
            let policy = headers.get(POLICY).map(HeaderValue::as_bytes).unwrap_or_default();
            let policy = policy.get(..200).unwrap_or(policy).escape_ascii();
            tracing::warn!(
                reason, request_id, %policy,
                "A request was refused for its policy; correct auth_policy in nginx's configuration."
            );
        }
        return;
    }
    let (trace_id, policy) = (trace_id(headers), policy(headers));
    if refusal.is_by_policy() || trace_id.is_some() {
        let bearer = decider.bearer(request);
        let user = bearer.as_ref().and_then(user).map(display);
        tracing::info!(reason, request_id, trace_id, policy, user, "A request was refused.");
    } else {
        tracing::debug!(reason, request_id, policy, "A request was refused.");
    }
}

/// Another issuer may be set to name people by an address, which is not for the log.
fn user(known: &Arc<Known>) -> Option<&str> {
    let subject = known.token.subject.as_str();
    uuid::Uuid::try_parse(subject).is_ok().then_some(subject)
}

fn request_id(headers: &HeaderMap) -> Option<DisplayValue<RequestId>> {
    headers.get(request_id::HEADER).and_then(|id| RequestId::parse(id.as_bytes())).map(display)
}

/// Of a trace that is kept.
fn trace_id(headers: &HeaderMap) -> Option<DisplayValue<String>> {
    traces::parent(headers).map(|parent| display(parent.trace_id()))
}

/// What is longer than any policy in use is not worth a line.
fn policy(headers: &HeaderMap) -> Option<&str> {
    headers.get(POLICY)?.to_str().ok().filter(|policy| policy.len() <= 500)
}

impl Complaints {
    const PAUSE: u64 = 10;

    /// Whether the last line is long enough ago.
    fn may_speak(&self, now: u64) -> bool {
        let last = self.last.load(Ordering::Relaxed);
        let long_ago = now >= last.saturating_add(Self::PAUSE);
        long_ago && self.last.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_complained_of_once_in_a_while() {
        let complaints = Complaints::default();
        assert!(complaints.may_speak(1000));
        assert!(!complaints.may_speak(1009));
        assert!(complaints.may_speak(1010));
    }
}
