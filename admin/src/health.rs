//! The operations listener: liveness, readiness, metrics and log levels.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prometheus_client::registry::Registry;
use runtime::ops::{NotReadyReason, Operations};
use runtime::telemetry::Levels;

use crate::config::PATIENCE;
use crate::context::Context;
use crate::db::{DbError, Schema, within};
use crate::mail::OutboxStatus;
use crate::metrics::Observed;
use crate::revocations;

/// How many months of the login history, counting the current one, must have a partition.
const LEAST_MONTHS: i64 = 2;

/// Set when the process begins to stop, so that load balancers send no new work.
#[derive(Debug, Clone, Default)]
pub struct Draining(Arc<AtomicBool>);

const SIGNING_KEY: NotReadyReason =
    NotReadyReason { code: "signing_key", detail: "No signing key can be used; see the log." };
const PARTITIONS: NotReadyReason = NotReadyReason {
    code: "partitions",
    detail: "The login history has no partition for the current or the next month; see the log.",
};
const DATABASE: NotReadyReason = NotReadyReason { code: "database", detail: "PostgreSQL is unavailable." };
const OUTBOX_FULL: NotReadyReason = NotReadyReason {
    code: "mail_outbox_full",
    detail: "The mail outbox is full, and further mails are dropped; check the mail server.",
};
const RELAY_FAILING: NotReadyReason = NotReadyReason {
    code: "relay_failing",
    detail: "Revocations cannot be written to Redis: sign-outs are recorded, but sidecars become stale. See the log.",
};
const MIGRATIONS: NotReadyReason =
    NotReadyReason { code: "migrations", detail: "The database schema is behind; run `admin migrate`." };

const SCHEMA: NotReadyReason = NotReadyReason {
    code: "schema",
    detail: "Another build migrated the database; run `admin migrate` for what to do.",
};

impl Draining {
    /// Marks the process as draining.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_under_way(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The state of the service on the operations listener.
#[derive(Clone)]
pub struct Health {
    /// The shared state.
    pub context: Context,
    /// Whether the process is stopping.
    pub draining: Draining,
}

impl Operations for Health {
    async fn not_ready(&self) -> Vec<NotReadyReason> {
        reasons(&self.context, &self.draining).await
    }

    async fn warnings(&self) -> Vec<NotReadyReason> {
        let status = within(PATIENCE, look_at_outbox(&self.context)).await;
        let is_full = status.is_ok_and(|status| status.is_full);
        let is_failing = self.context.metrics.relay.failing.get() == 1;
        [is_full.then_some(OUTBOX_FULL), is_failing.then_some(RELAY_FAILING)].into_iter().flatten().collect()
    }

    async fn observe(&self) {
        observe(&self.context).await;
    }

    fn registry(&self) -> &Registry {
        self.context.metrics.registry()
    }

    fn levels(&self) -> &Levels {
        &self.context.levels
    }
}

async fn observe(context: &Context) {
    let observed = Observed {
        // Read before the next line takes a connection.
        pool: context.db.status(),
        password_queues: context.hasher.status(),
        relay_lag: within(PATIENCE, look_at_relay(context)).await.ok(),
        outbox: within(PATIENCE, look_at_outbox(context))
            .await
            .ok()
            .map(|it| (it.waiting, it.oldest_seconds)),
        log_lines_dropped: context.levels.dropped_lines(),
    };
    context.metrics.observe(observed);
}

async fn look_at_relay(context: &Context) -> Result<f64, DbError> {
    revocations::lag(&context.db.get().await?).await
}

async fn look_at_outbox(context: &Context) -> Result<OutboxStatus, DbError> {
    context.outbox.status(&context.db.get().await?).await
}

/// Why the service is not ready; empty if it is.
///
/// Redis is purposefully not checked: without it users can still sign in and out, and revocations are
/// published later.
async fn reasons(context: &Context, draining: &Draining) -> Vec<NotReadyReason> {
    let mut reasons = Vec::new();
    if draining.is_under_way() {
        reasons.push(NotReadyReason::DRAINING);
    }
    if !context.keys.can_sign() {
        reasons.push(SIGNING_KEY);
    }
    if context.metrics.partitions_ahead.get() < LEAST_MONTHS {
        reasons.push(PARTITIONS);
    }
    match look_at_database(context).await {
        Ok(missing) => reasons.extend(missing),
        // An overloaded process is still ready: another one would be no less busy, and this one is doing its
        // work.
        Err(DbError::Busy) => {}
        Err(_unavailable) => reasons.push(DATABASE),
    }
    reasons
}

async fn look_at_database(context: &Context) -> Result<Option<NotReadyReason>, DbError> {
    let connection = context.db.get().await?;
    let schema = within(PATIENCE, Schema::of(&connection)).await?;
    Ok(match schema {
        Schema::Ready => None,
        Schema::Behind { .. } => Some(MIGRATIONS),
        Schema::Different { .. } => Some(SCHEMA),
    })
}
