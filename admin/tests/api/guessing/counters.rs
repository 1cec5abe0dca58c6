//! The counters in Redis and those of a process decide the same.

use std::net::IpAddr;

use admin::config::{MasterKeys, SharedNetworks};
use admin::guessing::{
    AccountFacts, Acquaintance, DeviceAccount, Guessing, LimitedRoute, NewAttempt, RefusedAttempt,
    Reservation,
};
use admin::limits::{Bucket, BucketLimits};
use admin::metrics::LimiterMetrics;
use admin::redis_connection::RedisConnection;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use redis::AsyncCommands as _;
use runtime::redis::Redis;
use std::collections::HashMap;
use uuid::Uuid;

use crate::support::{RevocationLog, prefix, store_url};

const KEY: &str = "1:uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=";

/// A second in which a window of every length begins.
const BEGIN: u64 = 20_000 * 86_400;

fn guessing(url: &str, prefix: &str) -> Guessing {
    let vars = HashMap::from([("REDIS_URL", url.to_owned()), ("REDIS_PREFIX", prefix.to_owned())]);
    let redis = Redis::from_vars(&vars).expect("the URL is valid");
    let masters = MasterKeys::parse(KEY).expect("it is a key");
    Guessing::new(
        &masters,
        (SharedNetworks::default(), BucketLimits::default()),
        RedisConnection::new(&redis),
        LimiterMetrics::default(),
    )
}

/// Counts in Redis, under a prefix of its own.
fn in_redis(prefix: &str) -> Guessing {
    guessing(&store_url("TEST_REDIS_URL"), prefix)
}

/// Counts in the process, because there is no Redis at this port.
fn local() -> Guessing {
    guessing("redis://127.0.0.1:1", "test:")
}

fn attempt(identifier: &str) -> NewAttempt<'_> {
    NewAttempt {
        route: LimitedRoute::Login,
        identifier,
        session: &[],
        account: None,
        device: None,
        address: Some(IpAddr::from([198, 51, 100, 7])),
        is_shared: false,
    }
}

/// One step: who tries what after how many seconds, and whether the attempt is taken back, and what of it.
type Step = (u8, u8, u16, u8);

async fn step(
    guessing: &Guessing,
    (route, subject, _, judged): Step,
    now: u64,
) -> Result<(Acquaintance, bool), RefusedAttempt> {
    let (name, session) = (format!("neo{}", subject % 3), [subject % 2]);
    let devices = DeviceAccount { user: Uuid::from_u128(u128::from(subject % 2)), epoch: 1 };
    let facts = AccountFacts { devices, counters: 0, is_known_network: subject % 4 == 3 };
    let route =
        [LimitedRoute::Login, LimitedRoute::Confirmation, LimitedRoute::Change, LimitedRoute::Registration]
            [usize::from(route % 4)];
    let tried = NewAttempt {
        route,
        session: &session,
        account: (subject % 5 != 4).then_some(facts),
        device: (subject % 7 == 6).then_some([subject; 16]),
        ..attempt(&name)
    };
    let reservation = guessing.reserve(&tried, now).await?;
    let counted = (reservation.client, reservation.is_slow);
    let limiter = &guessing.limiter;
    match judged % 3 {
        0 => limiter.give_back(reservation, |_| true).await,
        1 => limiter.give_back(reservation, Bucket::counts_failures).await,
        _ => drop::<Reservation>(reservation),
    }
    Ok(counted)
}

#[tokio::test]
async fn redis_and_the_process_decide_the_same() {
    let prefix = prefix();
    let _log = RevocationLog::new(&prefix);
    let (redis, local) = (in_redis(&prefix), local());
    let steps = proptest::collection::vec(any::<(u8, u8, u16, u8)>(), 2000);
    let steps = steps.new_tree(&mut TestRunner::deterministic()).expect("a list").current();
    let (mut now, mut refused) = (BEGIN, 0);
    for (number, one) in steps.into_iter().enumerate() {
        // Bursts, and pauses of minutes and hours between them.
        now += match number % 50 {
            0 => u64::from(one.2) / 2,
            _ => u64::from(one.2 % 8),
        };
        let decided = step(&redis, one, now).await;
        assert_eq!(decided, step(&local, one, now).await, "step {number}: {one:?} at {now}");
        refused += usize::from(decided.is_err());
    }
    assert!((200..1800).contains(&refused), "{refused} of 2000 were refused");
}

#[tokio::test]
async fn an_address_past_its_limit_is_slow_and_refuses_no_known_client() {
    let prefix = prefix();
    let _log = RevocationLog::new(&prefix);
    for guessing in [in_redis(&prefix), local()] {
        for number in 0..600 {
            let reservation = guessing.reserve(&attempt(&format!("name {number}")), BEGIN).await.unwrap();
            assert!(!reservation.is_slow, "{number}");
        }
        let slow = guessing.reserve(&attempt("another"), BEGIN).await.unwrap();
        assert!(slow.is_slow);
        let refused = guessing.reserve(&attempt("another"), BEGIN + 59).await.unwrap_err();
        assert_eq!(refused.bucket, Bucket::SlowIdentifier);
        assert!(guessing.reserve(&attempt("another"), BEGIN + 120).await.unwrap().is_slow);
        let shared = NewAttempt { is_shared: true, ..attempt("yet another") };
        assert!(!guessing.reserve(&shared, BEGIN).await.unwrap().is_slow);

        let devices = DeviceAccount { user: Uuid::from_u128(1), epoch: 1 };
        let facts = AccountFacts { devices, counters: 0, is_known_network: true };
        let network = NewAttempt { account: Some(facts), ..attempt("neo") };
        let device = NewAttempt { device: Some([1; 16]), ..network };
        for known in [network, device] {
            for _ in 0..10 {
                assert!(!guessing.reserve(&known, BEGIN).await.unwrap().is_slow);
            }
        }
        // After the window the address is as any other.
        assert!(!guessing.reserve(&attempt("another"), BEGIN + 1200).await.unwrap().is_slow);
    }
}

#[tokio::test]
async fn the_tables_of_redis_have_a_fixed_size_and_expire() {
    let prefix = prefix();
    let log = RevocationLog::new(&prefix);
    let guessing = in_redis(&prefix);
    let names: Vec<String> = (0..4000).map(|number| format!("name {number}")).collect();
    let count = async || {
        for name in &names {
            let attempt = NewAttempt { address: None, ..attempt(name) };
            guessing.reserve(&attempt, BEGIN).await.unwrap();
        }
        let mut redis = log.redis().await;
        let keys: Vec<String> =
            redis::cmd("KEYS").arg(format!("{prefix}guess:*")).query_async(&mut redis).await.unwrap();
        let mut bytes = 0_u64;
        for key in &keys {
            bytes += redis::cmd("MEMORY").arg("USAGE").arg(key).query_async::<u64>(&mut redis).await.unwrap();
            let seconds: i64 = redis.ttl(key).await.unwrap();
            assert!((1..=2 * 86_400 + 60).contains(&seconds), "{key}: {seconds}");
        }
        (keys.len(), bytes)
    };
    // Two tables of 257 parts each, of ten minutes and of a day.
    let (keys, bytes) = count().await;
    assert_eq!(keys, 514);
    assert!(bytes < 34_500_000, "{bytes}");
    assert_eq!(count().await, (keys, bytes));
    let mut redis = log.redis().await;
    let keys: Vec<String> =
        redis::cmd("KEYS").arg(format!("{prefix}guess:*")).query_async(&mut redis).await.unwrap();
    let _deleted: u64 = redis.del(keys).await.unwrap();
}
