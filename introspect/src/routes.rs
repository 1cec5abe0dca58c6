//! What is asked on which listener: decisions on one, health and metrics on the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Empty, Full};
use hyper::body::Incoming;

use runtime::ops::{self, Endpoint};
use runtime::telemetry::Levels;

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
    pub is_local: bool,
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
        let (method, uri) = (request.method(), request.uri());
        let response = match Endpoint::of(method, uri.path()) {
            Ok(Endpoint::Live) => ops::live(),
            Ok(Endpoint::Ready) => ops::ready(self.ready.missing().as_slice()),
            Ok(Endpoint::Metrics) => {
                self.metrics.observe(self.levels.dropped_lines());
                ops::metrics(self.metrics.registry(), request.headers())
            }
            Ok(Endpoint::LogLevels) => {
                ops::log_levels(&self.levels, method, uri.query().unwrap_or_default(), self.is_local)
            }
            Err(refused) => refused,
        };
        response.map(Full::from)
    }
}
