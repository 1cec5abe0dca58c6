//! The counters in Redis: for each table and window some strings of a fixed size, in which each slot is a number.
//!
//! Redis does one thing after the other, and it also carries the revocations. A string of 16 MiB takes it 20 ms to create
//! and 2 ms to delete; so a table is cut into parts of 64 KiB, which take a fraction of a millisecond.

use redis::{Cmd, RedisError};

use super::attempt::Charge;
use super::counters::{CountVerdict, Counters, Taken};
use super::window::WindowMoment;
use crate::limits::{CounterTable, LimitRule};
use crate::redis_connection::RedisConnection;

/// Each is one atomic script.
const RESERVE: &str = include_str!("reserve.lua");
const GIVE_BACK: &str = include_str!("give_back.lua");

/// The bytes of a part: with the header of a string a little less than 64 KiB, which is how Redis allocates.
const PART: u32 = 65_504;

/// How long a part is kept beyond its use, in seconds: an attempt that was counted in the last moment of a window may be
/// taken back later.
const SPARE: u64 = 60;

/// The counters under the prefix of a deployment.
pub(super) struct RedisCounters {
    redis: RedisConnection,
}

impl RedisCounters {
    pub(super) fn new(redis: RedisConnection) -> Self {
        Self { redis }
    }

    fn key(&self, table: CounterTable, window: u64, slot: u32) -> String {
        format!("{}guess:{}:{window}:{}", self.redis.prefix(), table.name(), slot / (PART / table.width()))
    }

    fn reserve_command(&self, charges: &[Charge], now: u64) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(RESERVE).arg(2 * charges.len());
        let at = |charge: &Charge| {
            let table = charge.bucket.table();
            (table, WindowMoment::at(now, table.window()))
        };
        for charge in charges {
            let (table, moment) = at(charge);
            command.arg(self.key(table, moment.window, charge.slot));
            command.arg(self.key(table, moment.window.saturating_sub(1), charge.slot));
        }
        for charge in charges {
            let (table, moment) = at(charge);
            command.arg(word(charge.rule)).arg(kind(table)).arg(place(table, charge.slot)).arg(PART);
            command.arg(charge.limit).arg(table.window()).arg(moment.elapsed);
            command.arg(2 * table.window() - moment.elapsed + SPARE);
        }
        command
    }
}

impl Counters for RedisCounters {
    type Error = RedisError;

    async fn reserve(&self, charges: &[Charge], now: u64) -> Result<CountVerdict, RedisError> {
        let answer: Vec<u64> = self.redis.run("EVAL", &self.reserve_command(charges, now)).await?;
        read(charges, now, &answer).ok_or_else(|| {
            (redis::ErrorKind::UnexpectedReturnType, "the counter script returned an unexpected value").into()
        })
    }

    async fn give_back(&self, taken: &[Taken]) -> Result<(), RedisError> {
        let mut command = redis::cmd("EVAL");
        command.arg(GIVE_BACK).arg(taken.len());
        for taken in taken {
            command.arg(self.key(taken.bucket.table(), taken.window, taken.slot));
        }
        for taken in taken {
            let table = taken.bucket.table();
            command.arg(kind(table)).arg(place(table, taken.slot));
        }
        self.redis.run("EVAL", &command).await
    }
}

/// What the script returned.
fn read(charges: &[Charge], now: u64, answer: &[u64]) -> Option<CountVerdict> {
    match answer {
        [0, slow, counted @ ..] if counted.len() == charges.len() => {
            let counted = charges.iter().zip(counted).filter(|(_, is_counted)| **is_counted == 1);
            let taken = counted.map(|(charge, _)| {
                let window = WindowMoment::at(now, charge.bucket.table().window()).window;
                Taken { bucket: charge.bucket, window, slot: charge.slot }
            });
            Some(CountVerdict::Reserved { taken: taken.collect(), is_slow: *slow == 1 })
        }
        [number, wait, downgrade] => {
            // The scripts number them from 1.
            let charge = charges.get(usize::try_from(*number).ok()?.checked_sub(1)?)?;
            let may_downgrade = *downgrade == 1;
            Some(CountVerdict::Refused { bucket: charge.bucket, wait: *wait, may_downgrade })
        }
        _ => None,
    }
}

fn word(rule: LimitRule) -> &'static str {
    match rule {
        LimitRule::Refuse => "refuse",
        LimitRule::Downgrade => "downgrade",
        LimitRule::Slow => "slow",
        LimitRule::RefuseIfSlow => "refuse_if_slow",
        LimitRule::Count => "count",
    }
}

/// The type of a counter, as `BITFIELD` names it.
fn kind(table: CounterTable) -> String {
    format!("u{}", 8 * table.width())
}

/// The number of a slot within its part.
fn place(table: CounterTable, slot: u32) -> u32 {
    slot % (PART / table.width())
}
