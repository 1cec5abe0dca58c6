//! What is asked on which listener: decisions on one, health and metrics on the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{Empty, Full};
use hyper::body::Incoming;

use shared::telemetry::Levels;

use crate::decide::Decider;
use crate::lines::{self, Complaints};
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
        let is_kept = traces::is_kept(request.headers());
        // Begun before the decision.
        let span = if is_kept && self.is_traced { traces::span(request.headers()) } else { None };
        let begun = self.tally.is_to_be_timed().then(Instant::now);
        let decide = AssertUnwindSafe(|| self.decider.decide(request, &self.tally));
        let verdict = catch_unwind(decide).unwrap_or(Verdict::Deny(Refusal::Panicked));
        if let Some(begun) = begun {
            self.tally.took(begun.elapsed());
        }
        if let Some(span) = span {
            traces::tell(&span, &verdict);
        }
        if let Verdict::Deny(refusal) = verdict {
            lines::refused(refusal, request, &self.decider, &self.complaints);
        } else if is_kept {
            lines::kept(&verdict, request.headers());
        }
        verdict.answer(&self.challenges, &self.tally)
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
            "/metrics" if known => metrics(self.metrics.text(self.levels.lost())),
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
}
