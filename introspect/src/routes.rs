//! The answers of each listener: decisions on one, health and metrics on the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use http::Request;
use hyper::body::Incoming;
use prometheus_client::registry::Registry;
use runtime::ops::{Detail, NotReadyReason, Operations};
use runtime::telemetry::Levels;

use crate::decide::{Decider, Decision, Recognised};
use crate::decision_log::{self, PolicyWarnings};
use crate::decision_span;
use crate::freshness::Age;
use crate::knowledge::Knowledge;
use crate::metrics::{Metrics, Tally};
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

/// The state of the sidecar, as operators see it.
#[derive(Clone)]
pub struct SidecarOperations {
    /// Whether the sidecar can serve requests.
    pub known: Arc<Knowledge>,
    /// The metrics of the process.
    pub metrics: Arc<Metrics>,
    /// The log filter, which operators can change.
    pub levels: Levels,
}

impl DecisionHandler {
    /// One handler for each set of counts, and so for each worker.
    pub fn of_workers(decider: &Arc<Decider>, is_traced: bool, tallies: &[Arc<Tally>]) -> Vec<Self> {
        let challenges = Arc::new(Challenges::default());
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
        if is_sampled || matches!(verdict, Verdict::Deny { .. }) {
            let clock = &*self.decider.clock;
            decision_log::write(&verdict, request.headers(), &self.warnings, clock);
        }
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
}

impl RequestHandler for DecisionHandler {
    fn answer(&self, request: &Request<Incoming>) -> EmptyResponse {
        self.decide(request)
    }

    fn answer_malformed(&self) -> EmptyResponse {
        let decision = Decision::from(Verdict::deny(Refusal::UnfitRequest));
        self.count(&decision);
        decision.verdict.response(&self.challenges)
    }
}

impl Operations for SidecarOperations {
    async fn not_ready(&self) -> Vec<NotReadyReason> {
        self.known.missing().into_iter().collect()
    }

    fn details(&self) -> Vec<(&'static str, Detail)> {
        let mut details = vec![("state", Detail::Text(self.known.state().label()))];
        if let Age::AtMost(age) = self.known.freshness.certificate().monotonic_age() {
            details.push(("age_seconds", Detail::Seconds(age.as_secs_f64())));
        }
        details
    }

    async fn observe(&self) {
        self.metrics.observe_freshness(&self.known);
        self.metrics.log_lines_dropped.inner().store(self.levels.dropped_lines(), Ordering::Relaxed);
    }

    fn registry(&self) -> &Registry {
        &self.metrics.registry
    }

    fn levels(&self) -> &Levels {
        &self.levels
    }
}
