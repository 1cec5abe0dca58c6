//! What is asked on which listener: decisions on one, health and metrics on the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{Empty, Full};
use hyper::body::Incoming;
use shared::request_id::{self, RequestId};

use shared::telemetry::Levels;

use crate::decide::{Decider, POLICY};
use crate::metrics::{Metrics, Tally};
use crate::ready::Ready;
use crate::server::Handler;
use crate::traces;
use crate::verdict::{Answer, Challenges, Refusal, Verdict};

/// The decision listener: whatever the path, the answer is a decision.
#[derive(Clone)]
pub struct Decisions {
    decider: Arc<Decider>,
    challenges: Arc<Challenges>,
    /// Of the worker that asks.
    tally: Arc<Tally>,
    complaints: Arc<Complaints>,
    /// Whether traces are sent anywhere.
    is_traced: bool,
}

/// The operators' listener.
#[derive(Clone)]
pub struct Operations {
    /// Whether the sidecar wants requests.
    pub ready: Arc<Ready>,
    /// What it has counted.
    pub metrics: Arc<Metrics>,
    /// Which lines are logged.
    pub levels: Levels,
    /// Whether the peer is a program on this machine, which alone may change anything.
    pub is_near: bool,
}

/// Keeps a mistake in nginx's configuration from filling the log: one line in so many seconds.
#[derive(Debug, Default)]
struct Complaints {
    last: AtomicU64,
}

impl Decisions {
    /// One handler a tally.
    pub fn of_workers(
        decider: &Arc<Decider>,
        challenges: Challenges,
        is_traced: bool,
        tallies: &[Arc<Tally>],
    ) -> Vec<Self> {
        let challenges = Arc::new(challenges);
        let complaints = Arc::new(Complaints::default());
        let of_worker = |tally: &Arc<Tally>| Self {
            decider: Arc::clone(decider),
            challenges: Arc::clone(&challenges),
            tally: Arc::clone(tally),
            complaints: Arc::clone(&complaints),
            is_traced,
        };
        tallies.iter().map(of_worker).collect()
    }

    /// The answer to any request. A panic costs this request, not the worker.
    pub fn decide<B>(&self, request: &Request<B>) -> Answer {
        // Begun before the decision, and only for a request whose trace is kept.
        let span = self.is_traced.then(|| traces::span(request.headers())).flatten();
        let begun = Instant::now();
        let decide = AssertUnwindSafe(|| self.decider.decide(request, &self.tally));
        let verdict = catch_unwind(decide).unwrap_or(Verdict::Deny(Refusal::Panicked));
        self.tally.took(begun.elapsed());
        if let Some(span) = span {
            traces::tell(&span, &verdict);
        }
        if let Verdict::Deny(refusal) = verdict {
            self.report(refusal, request.headers());
        }
        verdict.answer(&self.challenges, &self.tally)
    }

    #[cold]
    fn report(&self, refusal: Refusal, headers: &HeaderMap) {
        let reason = refusal.label();
        let request_id = || headers.get(request_id::HEADER).and_then(|id| RequestId::parse(id.as_bytes()));
        match refusal {
            Refusal::PolicyMissing | Refusal::PolicyMalformed => {
                if self.complaints.may_speak(self.decider.clock.unix_seconds()) {
                    let policy = headers.get(POLICY).map(HeaderValue::as_bytes).unwrap_or_default();
                    let policy = policy.get(..200).unwrap_or(policy).escape_ascii();
                    let request_id = request_id().map(tracing::field::display);
                    tracing::warn!(
                        reason, request_id, %policy,
                        "A request was refused for its policy; correct auth_policy in nginx's configuration."
                    );
                }
            }
            _ => {
                let request_id = request_id().map(tracing::field::display);
                tracing::debug!(reason, request_id, "A request was refused.");
            }
        }
    }
}

impl Handler for Decisions {
    type Body = Empty<Bytes>;

    fn answer(&self, request: &Request<Incoming>) -> Answer {
        self.decide(request)
    }
}

impl Handler for Operations {
    type Body = Full<Bytes>;

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let known = matches!(*request.method(), Method::GET | Method::HEAD);
        match request.uri().path() {
            "/log-levels" if known => text(StatusCode::OK, format!("{}\n", self.levels.current())),
            "/log-levels" if *request.method() == Method::PUT => self.change_levels(request.uri().query()),
            "/log-levels" => text(StatusCode::METHOD_NOT_ALLOWED, "only GET and PUT\n".to_owned()),
            "/health/live" if known => text(StatusCode::OK, "live\n".to_owned()),
            "/health/ready" if known => match self.ready.missing() {
                None => text(StatusCode::OK, "ready\n".to_owned()),
                Some(missing) => text(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {missing}\n")),
            },
            "/metrics" if known => metrics(self.metrics.text()),
            "/health/live" | "/health/ready" | "/metrics" => {
                text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n".to_owned())
            }
            _ => text(
                StatusCode::NOT_FOUND,
                "/health/live, /health/ready, /metrics and /log-levels are here\n".to_owned(),
            ),
        }
    }
}

impl Operations {
    /// The text is the query, as `INTROSPECT_LOG` has it.
    fn change_levels(&self, query: Option<&str>) -> Response<Full<Bytes>> {
        if !self.is_near {
            return text(StatusCode::FORBIDDEN, "only from this machine or pod\n".to_owned());
        }
        let levels = query.unwrap_or_default();
        match self.levels.change(levels) {
            Ok(()) => text(StatusCode::OK, format!("{levels}\n")),
            Err(error) => text(StatusCode::BAD_REQUEST, format!("{error}\n")),
        }
    }
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

fn text(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::from(text));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}

fn metrics(all: String) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::from(all));
    let open_metrics = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, open_metrics);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_program_on_this_machine_changes_the_log() {
        let of = |is_near| Operations {
            ready: Arc::default(),
            metrics: Arc::new(Metrics::new(1)),
            levels: Levels::default(),
            is_near,
        };
        assert_eq!(of(false).change_levels(Some("info")).status(), StatusCode::FORBIDDEN);
        // Nothing is logged here, so that there is nothing to change.
        assert_eq!(of(true).change_levels(Some("info")).status(), StatusCode::BAD_REQUEST);
    }

    #[test]
    fn a_mistake_is_complained_of_once_in_a_while() {
        let complaints = Complaints::default();
        assert!(complaints.may_speak(1000));
        assert!(!complaints.may_speak(1009));
        assert!(complaints.may_speak(1010));
    }
}
