//! The routes of each listener: decisions on one, health and metrics on the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{Empty, Full};
use hyper::body::Incoming;

use runtime::ops::{self, OpsEndpoint};
use runtime::telemetry::Levels;

use crate::decide::{Decider, Decision, Recognised};
use crate::decision_log::{self, PolicyWarnings};
use crate::decision_span;
use crate::metrics::{Metrics, Tally};
use crate::ready::Ready;
use crate::refusal::Refusal;
use crate::server::RequestHandler;
use crate::verdict::{Challenges, EmptyResponse, Verdict};

/// The decision listener: for every path, the response is a decision.
#[derive(Clone)]
pub struct DecisionHandler {
    decider: Arc<Decider>,
    challenges: Arc<Challenges>,
    /// The counts of the worker that this handler belongs to.
    tally: Arc<Tally>,
    warnings: Arc<PolicyWarnings>,
    /// Whether traces are exported.
    is_traced: bool,
}

/// The operators' listener.
#[derive(Clone)]
pub struct OpsHandler {
    /// Whether the sidecar can serve requests.
    pub ready: Arc<Ready>,
    /// The metrics of the process.
    pub metrics: Arc<Metrics>,
    /// The log filter, which operators can change.
    pub levels: Levels,
    /// Whether the peer is a program on this machine: only such a program may change anything.
    pub is_local: bool,
}

impl DecisionHandler {
    /// One handler for each set of counts, and so for each worker.
    pub fn of_workers(
        decider: &Arc<Decider>,
        challenges: Challenges,
        is_traced: bool,
        tallies: &[Arc<Tally>],
    ) -> Vec<Self> {
        let challenges = Arc::new(challenges);
        let warnings = Arc::new(PolicyWarnings::default());
        let of_worker = |tally: &Arc<Tally>| Self {
            decider: Arc::clone(decider),
            challenges: Arc::clone(&challenges),
            tally: Arc::clone(tally),
            warnings: Arc::clone(&warnings),
            is_traced,
        };
        tallies.iter().map(of_worker).collect()
    }

    /// The response to any request. A panic affects this request, not the worker.
    pub fn decide<B>(&self, request: &Request<B>) -> EmptyResponse {
        let is_sampled = decision_span::is_sampled(request.headers());
        // Started before the decision.
        let span = if is_sampled && self.is_traced { decision_span::begin(request.headers()) } else { None };
        let started = self.tally.is_to_be_timed().then(Instant::now);
        let decide = AssertUnwindSafe(|| self.decider.decide(request));
        let decision = catch_unwind(decide).unwrap_or_else(|_| Verdict::deny(Refusal::Panicked).into());
        if let Some(started) = started {
            self.tally.took(started.elapsed());
        }
        self.count(&decision);
        let verdict = decision.verdict;
        if let Some(span) = span {
            decision_span::record(&span, &verdict);
        }
        self.log(&verdict, request.headers(), is_sampled);
        verdict.response(&self.challenges)
    }

    /// The one place where decisions are counted.
    fn count(&self, decision: &Decision) {
        self.tally.decided(&decision.verdict);
        match decision.recognised {
            Some(Recognised::FromCache) => self.tally.hit(),
            Some(Recognised::Verified) => self.tally.miss(),
            None => {}
        }
    }

    fn log(&self, verdict: &Verdict, headers: &HeaderMap, is_sampled: bool) {
        match verdict {
            Verdict::Deny { refusal, .. } => {
                let clock = &*self.decider.clock;
                decision_log::refused(verdict, *refusal, headers, &self.warnings, clock);
            }
            Verdict::Allow(_) if is_sampled => decision_log::allowed(verdict, headers),
            Verdict::Allow(_) => {}
        }
    }
}

impl RequestHandler for DecisionHandler {
    type Body = Empty<Bytes>;

    fn answer(&self, request: &Request<Incoming>) -> EmptyResponse {
        self.decide(request)
    }
}

impl RequestHandler for OpsHandler {
    type Body = Full<Bytes>;

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let (method, uri) = (request.method(), request.uri());
        let response = match OpsEndpoint::of(method, uri.path()) {
            Ok(OpsEndpoint::Live) => ops::live(),
            Ok(OpsEndpoint::Ready) => ops::ready(self.ready.missing().as_slice()),
            Ok(OpsEndpoint::Metrics) => {
                self.metrics.observe(self.levels.dropped_lines());
                ops::metrics(self.metrics.registry(), request.headers())
            }
            Ok(OpsEndpoint::LogLevels) => {
                ops::log_levels(&self.levels, method, uri.query().unwrap_or_default(), self.is_local)
            }
            Err(refused) => *refused,
        };
        response.map(Full::from)
    }
}
