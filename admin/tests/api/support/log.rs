//! The revocation log in Redis, as a sidecar sees it.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use redis::aio::MultiplexedConnection;
use redis::streams::StreamRangeReply;
use redis::{AsyncCommands as _, AsyncConnectionConfig};
use shared::revocation::{LogPosition, Record, RedisKeys};
use shared::role_map::PublishedRoleMap;

use super::{store_url, until};

/// The log under one prefix. Its keys are deleted with this value.
pub struct RevocationLog {
    /// The server.
    pub keys: RedisKeys,
    url: String,
}

/// The content of `meta`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// The epoch.
    pub epoch: u64,
    /// The last record's number.
    pub seq: u64,
    /// The highest number that may have been trimmed.
    pub floor: u64,
}

impl RevocationLog {
    /// The log under `prefix`, in the Redis for tests.
    pub fn new(prefix: &str) -> Self {
        Self::at(&store_url("TEST_REDIS_URL"), prefix)
    }

    /// The log under `prefix`, in another Redis.
    pub fn at(url: &str, prefix: &str) -> Self {
        Self { keys: RedisKeys::new(prefix), url: url.to_owned() }
    }

    /// A connection to its Redis.
    pub async fn redis(&self) -> MultiplexedConnection {
        redis_of(&self.url).await
    }

    /// `meta`, if it exists.
    pub async fn meta(&self) -> Option<Meta> {
        Meta::read(&self.redis().await.hgetall(&self.keys.meta).await.expect("meta"))
    }

    /// Every record with its position, in order.
    pub async fn entries(&self) -> Vec<(LogPosition, Record)> {
        read_entries(self.redis().await.xrange_all(&self.keys.log).await.expect("the log"))
    }

    /// `meta` and the log, read together: between two commands the relay may append.
    async fn at_once(&self) -> (Option<Meta>, Vec<(LogPosition, Record)>) {
        let (meta, log): (HashMap<String, String>, StreamRangeReply) = redis::pipe()
            .atomic()
            .hgetall(&self.keys.meta)
            .xrange_all(&self.keys.log)
            .query_async(&mut self.redis().await)
            .await
            .expect("meta and the log");
        (Meta::read(&meta), read_entries(log))
    }

    /// `meta` and the role map, read together, when both exist and `meta` names that map.
    pub async fn role_map(&self) -> Option<(Meta, PublishedRoleMap)> {
        let (meta, bytes): (HashMap<String, String>, Option<Vec<u8>>) = redis::pipe()
            .atomic()
            .hgetall(&self.keys.meta)
            .get(&self.keys.roles)
            .query_async(&mut self.redis().await)
            .await
            .expect("meta and the role map");
        let roles = PublishedRoleMap::decode(&bytes?).expect("a role map");
        let named = (number(&meta, "epoch")?, number(&meta, "roles")?);
        assert_eq!((roles.epoch, roles.version), named, "meta names the map that is there");
        Some((Meta::read(&meta)?, roles))
    }

    /// Every record of the current epoch, once there is one, checked to have no gap from the floor on.
    pub async fn current(&self) -> Vec<Record> {
        self.epoch_after(0).await;
        let (meta, entries) = self.at_once().await;
        let meta = meta.expect("meta stays");
        let entries: Vec<_> = entries.into_iter().filter(|(at, _)| at.epoch == meta.epoch).collect();
        let seqs: Vec<u64> = entries.iter().map(|(at, _)| at.seq).collect();
        assert_eq!(seqs, (meta.floor + 1..=meta.seq).collect::<Vec<_>>(), "gapless up to {meta:?}");
        entries.into_iter().map(|(_, record)| record).collect()
    }

    /// Waits for an epoch above `epoch`.
    pub async fn epoch_after(&self, epoch: u64) -> Meta {
        until("a new epoch", async || self.meta().await.filter(|meta| meta.epoch > epoch)).await
    }

    /// Waits for `count` records in the current epoch.
    pub async fn await_count(&self, count: u64) -> Meta {
        until("the records are published", async || self.meta().await.filter(|meta| meta.seq >= count)).await
    }

    /// The wake messages from now on.
    pub async fn wakes(&self) -> impl futures_util::Stream<Item = Vec<u8>> + Unpin {
        let client = redis::Client::open(self.url.as_str()).expect("it is a Redis URL");
        let mut subscription = client.get_async_pubsub().await.expect("Redis for tests runs");
        subscription.subscribe(&self.keys.wake).await.expect("subscribing");
        Box::pin(subscription.into_on_message().map(|message| message.get_payload_bytes().to_vec()))
    }
}

impl Meta {
    fn read(fields: &HashMap<String, String>) -> Option<Self> {
        let field = |name: &str| number(fields, name);
        Some(Self { epoch: field("epoch")?, seq: field("seq")?, floor: field("floor")? })
    }
}

fn number(fields: &HashMap<String, String>, name: &str) -> Option<u64> {
    Some(fields.get(name)?.parse().expect("a number"))
}

fn read_entries(log: StreamRangeReply) -> Vec<(LogPosition, Record)> {
    let entry = |entry: redis::streams::StreamId| {
        let bytes: Vec<u8> = entry.get(RedisKeys::RECORD_FIELD).expect("the field d");
        (entry.id.parse().expect("a position"), Record::decode(&bytes).expect("a record"))
    };
    log.ids.into_iter().map(entry).collect()
}

impl Drop for RevocationLog {
    fn drop(&mut self) {
        let deleted = redis::Client::open(self.url.as_str()).and_then(|client| {
            let mut redis = client.get_connection_with_timeout(std::time::Duration::from_secs(1))?;
            redis::cmd("DEL")
                .arg(&[&self.keys.meta, &self.keys.log, &self.keys.roles])
                .query::<()>(&mut redis)
        });
        // A test that stopped its own Redis leaves nothing to delete.
        let _gone_anyway = deleted;
    }
}

/// A connection to a Redis of the tests, which waits as long as a busy machine needs.
pub async fn redis_of(url: &str) -> MultiplexedConnection {
    let limit = Some(Duration::from_secs(20));
    let config = AsyncConnectionConfig::new().set_connection_timeout(limit).set_response_timeout(limit);
    let client = redis::Client::open(url).expect("it is a Redis URL");
    client.get_multiplexed_async_connection_with_config(&config).await.expect("Redis for tests runs")
}
