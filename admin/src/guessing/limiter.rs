//! Counts attempts in Redis, and in this process while Redis does not answer: an attempt waits for it half a second at
//! most, and in an outage only one every other second.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::RedisError;
use tokio::time::{Instant, timeout};

use super::attempt::Charge;
use super::counters::{CountVerdict, Counters, Taken};
use super::local::LocalCounters;
use super::redis_counters::RedisCounters;
use super::route_buckets::Acquaintance;
use super::window::WindowMoment;
use crate::limits::Bucket;
use crate::metrics::LimiterMetrics;
use crate::redis_connection::RedisConnection;

/// How long an attempt waits for Redis. Usually it takes a fraction of a millisecond.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long Redis is left alone after it did not answer.
const PAUSE: Duration = Duration::from_secs(2);

/// Counts attempts.
pub struct Limiter {
    redis: RedisCounters,
    local: LocalCounters,
    /// When Redis is asked again; `None` while it answers.
    outage: Mutex<Option<Instant>>,
    metrics: LimiterMetrics,
}

/// Where an attempt was counted. Purposefully not `Clone`: it is taken back once at most.
#[derive(Debug)]
pub struct Reservation {
    taken: Vec<Taken>,
    is_local: bool,
    /// As what kind of client it was counted.
    pub client: Acquaintance,
    /// Whether its address is past a limit.
    pub is_slow: bool,
}

/// An attempt was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedAttempt {
    /// By this bucket.
    pub bucket: Bucket,
    /// There is room after so many seconds.
    pub wait: u64,
    /// Whether it may be counted as that of a less known client.
    pub(super) may_downgrade: bool,
}

/// Why Redis was not used.
#[derive(Debug, thiserror::Error)]
enum NotCounted {
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error("no answer within {PATIENCE:?}")]
    Late,
    #[error("Redis did not answer a moment ago")]
    LeftAlone,
}

impl Limiter {
    /// Counts in the Redis of `redis`, under its prefix.
    pub(super) fn new(redis: RedisConnection, metrics: LimiterMetrics) -> Self {
        Self {
            redis: RedisCounters::new(redis),
            local: LocalCounters::default(),
            outage: Mutex::new(None),
            metrics,
        }
    }

    /// Counts an attempt at the second `now` as that of such a client: in all of its buckets or in none.
    ///
    /// # Errors
    ///
    /// The bucket that has no room, and for how long.
    pub(super) async fn reserve(
        &self,
        client: Acquaintance,
        charges: &[Charge],
        now: u64,
    ) -> Result<Reservation, RefusedAttempt> {
        let (verdict, is_local) = match self.within(self.redis.reserve(charges, now)).await {
            Ok(verdict) => (verdict, false),
            Err(_unavailable) => {
                self.metrics.local_attempts.inc();
                let Ok(verdict) = self.local.reserve(charges, now).await;
                (verdict, true)
            }
        };
        match verdict {
            CountVerdict::Reserved { taken, is_slow } => Ok(Reservation { taken, is_local, client, is_slow }),
            CountVerdict::Refused { bucket, wait, may_downgrade } => {
                Err(RefusedAttempt { bucket, wait, may_downgrade })
            }
        }
    }

    /// Takes back the counts in buckets that are `returned`. If Redis does not answer they stay, and expire.
    pub async fn give_back(&self, reservation: Reservation, returned: impl Fn(Bucket) -> bool) {
        let Reservation { mut taken, is_local, .. } = reservation;
        taken.retain(|taken| returned(taken.bucket));
        if taken.is_empty() {
            return;
        }
        if is_local {
            let Ok(()) = self.local.give_back(&taken).await;
        } else if let Err(error) = self.within(self.redis.give_back(&taken)).await {
            tracing::debug!(%error, "Cannot take back the count of an attempt that was not a failure.");
        }
    }

    /// Takes one count of each of `charges` back, in the window of the second `now`.
    pub(super) async fn take_back(&self, charges: &[Charge], now: u64) {
        let taken = |charge: &Charge| Taken {
            bucket: charge.bucket,
            window: WindowMoment::at(now, charge.bucket.table().window()).window,
            slot: charge.slot,
        };
        let taken = charges.iter().map(taken).collect();
        self.give_back(
            Reservation { taken, is_local: false, client: Acquaintance::None, is_slow: false },
            |_| true,
        )
        .await;
    }

    /// The result of `asked` from Redis, soon or not at all.
    async fn within<T>(&self, asked: impl Future<Output = Result<T, RedisError>>) -> Result<T, NotCounted> {
        if self.is_left_alone() {
            return Err(NotCounted::LeftAlone);
        }
        let result = timeout(PATIENCE, asked).await;
        let result = result.map_err(|_| NotCounted::Late).and_then(|answer| answer.map_err(NotCounted::from));
        match &result {
            Ok(_) => self.note_answer(),
            Err(error) => self.note_silence(error),
        }
        result
    }

    /// Whether Redis is left alone. After the pause the first attempt tries it, and the others do not wait for that.
    fn is_left_alone(&self) -> bool {
        let mut outage = self.outage();
        let now = Instant::now();
        match *outage {
            None => false,
            Some(until) if now < until => true,
            Some(_) => {
                *outage = Some(now + PAUSE);
                false
            }
        }
    }

    fn note_answer(&self) {
        if self.outage().take().is_some() {
            self.metrics.is_local.set(0);
            tracing::info!("Redis answers again: password attempts are counted for all admins together.");
        }
    }

    fn note_silence(&self, error: &NotCounted) {
        let begins = self.outage().replace(Instant::now() + PAUSE).is_none();
        if begins {
            self.metrics.is_local.set(1);
            tracing::warn!(
                %error,
                "Redis does not answer: password attempts are counted in this process only."
            );
        }
    }

    fn outage(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
