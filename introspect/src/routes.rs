//! What is asked on which listener: decisions on one, health and metrics on the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{Empty, Full};
use hyper::body::Incoming;

use runtime::telemetry::{Levels, OPEN_METRICS};

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
            "/log-levels" => {
                let query = request.uri().query().unwrap_or_default();
                let (status, told) = self.levels.answer(request.method(), query, self.is_near);
                text(status, told)
            }
            "/health/live" if known => text(StatusCode::OK, "live\n".to_owned()),
            "/health/ready" if known => match self.ready.missing() {
                None => text(StatusCode::OK, "ready\n".to_owned()),
                Some(missing) => text(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {missing}\n")),
            },
            "/metrics" if known => metrics(self.metrics.text(self.levels.dropped_lines())),
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

fn text(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::from(text));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}

fn metrics(all: String) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::from(all));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(OPEN_METRICS));
    answer
}
