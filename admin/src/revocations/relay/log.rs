//! The log and the role map in Redis, as written by the relay. Every change is one atomic script.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisError, Script};
use runtime::redis::Redis;
use shared::revocation::{LogPosition, Record, RedisKeys, scripts};
use shared::role_map::PublishedRoleMap;

use super::traces::Traces;

/// How long Redis may take. After that the binding ends, whatever the script may still do.
const PATIENCE: Duration = Duration::from_secs(2);

/// A binding to one history of Redis. Unusable after its first error.
pub(super) struct Log {
    redis: MultiplexedConnection,
    keys: RedisKeys,
    scripts: Scripts,
}

struct Scripts {
    highest: Script,
    clear: Script,
    load: Script,
    open: Script,
    roles: Script,
    append: Script,
    trim: Script,
}

/// The reasons that end a binding.
#[derive(Debug, thiserror::Error)]
pub(super) enum LogError {
    /// `meta` is missing, or has another epoch.
    #[error("the log has epoch {}, not the epoch of this relay", .0.map_or("none".to_owned(), |epoch| epoch.to_string()))]
    OtherEpoch(Option<u64>),
    /// Another process wrote, or Redis lost its latest writes, the stream itself or the role map.
    #[error("the log or the role map was changed by another process or lost by Redis")]
    Fork,
    /// Redis is unreachable, too slow, or returned an error.
    #[error("cannot write to Redis: {0}")]
    Redis(RedisError),
}

impl Log {
    /// Connects to the current master.
    pub(super) async fn connect(redis: &Redis, keys: &RedisKeys) -> Result<Self, LogError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let client = redis.client().await?;
        let redis = client.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(Self { redis, keys: keys.clone(), scripts: Scripts::new() })
    }

    /// The highest epoch that Redis has ever had under these keys; 0 for none.
    pub(super) async fn highest_epoch(&mut self) -> Result<u64, LogError> {
        let mut call = self.scripts.highest.prepare_invoke();
        call.key(&self.keys.meta).key(&self.keys.log);
        let (meta, last_id): (Option<String>, String) = call.invoke_async(&mut self.redis).await?;
        let in_meta = meta.and_then(|epoch| epoch.parse().ok()).unwrap_or(0);
        let in_log = last_id.parse::<LogPosition>().map_or(0, |last| last.epoch);
        Ok(in_meta.max(in_log))
    }

    /// Before filling: drops what unfinished fillings left below `epoch`, so that it does not accumulate.
    pub(super) async fn clear(&mut self, epoch: u64) -> Result<(), LogError> {
        loop {
            let mut call = self.scripts.clear.prepare_invoke();
            call.key(&self.keys.meta).key(&self.keys.log).arg(epoch);
            if call.invoke_async::<u64>(&mut self.redis).await? == 0 {
                return Ok(());
            }
        }
    }

    /// While filling: adds records after `at`, without `meta`.
    pub(super) async fn load(&mut self, at: LogPosition, records: &[Record]) -> Result<(), LogError> {
        let mut call = self.scripts.load.prepare_invoke();
        call.key(&self.keys.meta).key(&self.keys.log).arg(at.epoch).arg(at.seq).arg(encode(records));
        call.invoke_async::<()>(&mut self.redis).await.map_err(LogError::from)
    }

    /// Filled up to `at`: makes this epoch valid, with `roles`. Drops earlier epochs and wakes readers.
    pub(super) async fn open(&mut self, at: LogPosition, roles: &PublishedRoleMap) -> Result<(), LogError> {
        let mut call = self.scripts.open.prepare_invoke();
        call.key(&self.keys.meta).key(&self.keys.log).key(&self.keys.roles);
        call.arg(&self.keys.wake).arg(at.epoch).arg(at.seq).arg(roles.version).arg(roles.encode());
        call.invoke_async::<()>(&mut self.redis).await.map_err(LogError::from)
    }

    /// While live: replaces the role map and wakes readers.
    pub(super) async fn write_roles(&mut self, roles: &PublishedRoleMap) -> Result<(), LogError> {
        let mut call = self.scripts.roles.prepare_invoke();
        call.key(&self.keys.meta).key(&self.keys.roles);
        call.arg(&self.keys.wake).arg(roles.epoch).arg(roles.version).arg(roles.encode());
        call.invoke_async::<()>(&mut self.redis).await.map_err(LogError::from)
    }

    /// While live: appends after `at` and publishes, if the log ends there and the role map has the version
    /// `roles`; without records only checks. Readers receive the `traces` of the records that have one.
    pub(super) async fn append(
        &mut self,
        at: LogPosition,
        records: &[Record],
        roles: u64,
        traces: &Traces,
    ) -> Result<(), LogError> {
        let mut call = self.scripts.append.prepare_invoke();
        call.key(&self.keys.meta).key(&self.keys.log).key(&self.keys.roles);
        call.arg(&self.keys.wake).arg(at.epoch).arg(at.seq).arg(encode(records)).arg(roles);
        for (number, traceparent) in traces.of_records() {
            call.arg(number).arg(traceparent);
        }
        call.invoke_async::<()>(&mut self.redis).await.map_err(LogError::from)
    }

    /// Drops everything up to `floor` in the epoch of `at`; raises the floor first, so that readers notice.
    pub(super) async fn trim(&mut self, at: LogPosition, floor: u64) -> Result<(), LogError> {
        let mut call = self.scripts.trim.prepare_invoke();
        call.key(&self.keys.meta).key(&self.keys.log).arg(at.epoch).arg(floor);
        call.invoke_async::<()>(&mut self.redis).await.map_err(LogError::from)
    }
}

impl Scripts {
    fn new() -> Self {
        Self {
            highest: Script::new(scripts::HIGHEST),
            clear: Script::new(scripts::CLEAR),
            load: Script::new(scripts::LOAD),
            open: Script::new(scripts::OPEN),
            roles: Script::new(scripts::ROLES),
            append: Script::new(scripts::APPEND),
            trim: Script::new(scripts::TRIM),
        }
    }
}

/// The concatenated records: the format of a wake message.
fn encode(records: &[Record]) -> Vec<u8> {
    records.iter().flat_map(Record::encode).collect()
}

impl From<RedisError> for LogError {
    fn from(error: RedisError) -> Self {
        match error.code() {
            Some("EPOCH") => Self::OtherEpoch(error.detail().and_then(|epoch| epoch.parse().ok())),
            Some("FORK") => Self::Fork,
            _ => Self::Redis(error),
        }
    }
}
