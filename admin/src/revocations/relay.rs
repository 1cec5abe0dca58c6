//! Moves committed revocations and the role map from PostgreSQL to Redis. Of all replicas one relay at a time
//! does it.
//!
//! The leading relay holds an advisory lock on a dedicated PostgreSQL connection, and runs every select, mark
//! and epoch change on it ([`lease`]). What it does in which order is decided by [`Leader`], which knows neither
//! store; [`term`] carries out its actions. It is *bound* to one history of Redis ([`log`]): the first error ends
//! the binding, because the state of Redis is then unknown. The next binding begins with a new epoch, which
//! is filled with every unexpired row.

mod end;
mod lease;
mod log;
mod parts;
mod term;
mod timing;
mod traces;
mod wait;

use std::time::Duration;

use futures_util::FutureExt as _;
use runtime::redis::Redis;
use shared::revocation::{Leader, LeaderAction, LeaderEvent, LogKeys, RedisKeys};
use tokio::time::{Instant, sleep, timeout};

use crate::config::DatabaseConfig;
use crate::metrics::RelayMetrics;
use crate::stop::Stop;

use end::SteppedDown;
use lease::Lease;
use parts::RelayParts;
use term::Term;
use timing::Failures;
pub use timing::RelayTiming;

/// A relay that has held the lock for this long can write to Redis, or it would have given it up.
const LED_BY_ANOTHER: Duration = Duration::from_secs(5);

/// The relay of one process.
pub struct Relay(RelayParts);

impl Relay {
    /// A relay. Opens no connection.
    pub fn new(
        database: &DatabaseConfig,
        redis: &Redis,
        signing: LogKeys,
        metrics: RelayMetrics,
        timing: RelayTiming,
    ) -> Self {
        let keys = RedisKeys::new(&redis.prefix);
        Self(RelayParts { database: database.clone(), redis: redis.clone(), keys, signing, metrics, timing })
    }

    /// Leads whenever no other relay does, until `stop`; then publishes the remaining rows and ends.
    pub async fn run(&self, stop: Stop) {
        let mut failures = Failures::default();
        loop {
            let reason = tokio::select! {
                biased;
                () = stop.clone() => return,
                lease = self.acquire_lease() => match lease {
                    Ok(lease) => self.lead(&lease, &stop, &mut failures).await,
                    Err(reason) => Err(reason),
                },
            };
            self.0.metrics.leading.set(0);
            let Err(reason) = reason else { return };
            let rest = failures.rest_after_stepping_down(&reason, &self.0.timing);
            let _stopped_or_rested = timeout(rest, stop.clone()).await;
        }
    }

    async fn acquire_lease(&self) -> Result<Lease, SteppedDown> {
        let lease = Lease::connect(&self.0.database).await?;
        let since = Instant::now();
        while !lease.try_lock().await? {
            if since.elapsed() >= LED_BY_ANOTHER {
                self.0.metrics.failing.set(0);
            }
            sleep(self.0.timing.follow).await;
        }
        Ok(lease)
    }

    /// Fills epochs and publishes, until `stop` (then `Ok`) or until it must stop leading. A relay that must stop
    /// while it fills an epoch leaves that to the next one.
    async fn lead(&self, lease: &Lease, stop: &Stop, failures: &mut Failures) -> Result<(), SteppedDown> {
        let mut leader = Leader::default();
        let mut term = Term::new(&self.0, lease, stop);
        loop {
            if leader.doing() == LeaderAction::Finish || (leader.doing().is_filling() && is_over(stop)) {
                return Ok(());
            }
            let fault = match term.carry_out(&leader).await {
                Ok(event) => {
                    leader.step(event);
                    continue;
                }
                Err(fault) => fault,
            };
            if fault.is_of_redis() {
                self.0.metrics.failing.set(1);
            }
            let ours = leader.at().epoch;
            if leader.step(LeaderEvent::Failed(fault.kind())) == LeaderAction::StepDown {
                return Err(fault.stepped_down(ours));
            }
            let rest = failures.rest_before_rebinding(&fault, &self.0.timing);
            let _stopped_or_rested = timeout(rest, stop.clone()).await;
        }
    }
}

fn is_over(stop: &Stop) -> bool {
    stop.clone().now_or_never().is_some()
}
