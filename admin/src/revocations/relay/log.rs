//! The log and the role map in Redis, as written by the relay. Every change is one atomic script.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisError, Script};
use runtime::redis::Redis;
use shared::revocation::{
    Challenge, HistoryId, LogCertificate, LogIdentity, LogKeys, LogPosition, Record, RedisKeys, scripts,
    sign_role_map,
};
use shared::role_map::PublishedRoleMap;
use tokio::time::timeout;

use super::traces::Traces;

/// How long Redis may take. After that the binding ends, whatever the script may still do. Shorter than the lease
/// may be idle, so that a Redis that hangs does not also cost the leadership.
const PATIENCE: Duration = Duration::from_millis(700);

/// A binding to one history of Redis. Unusable after its first error.
pub(super) struct Log {
    redis: MultiplexedConnection,
    keys: RedisKeys,
    /// Signs what the log is.
    signing: LogKeys,
    scripts: Scripts,
    /// The replication id of the server. It changes when the server was a replica, and may have lost records.
    replication: String,
    /// The identity of the epoch, beyond its number.
    history: Option<HistoryId>,
    /// The role map that is written with the epoch.
    roles: Option<PublishedRoleMap>,
}

struct Scripts {
    highest: Script,
    clear: Script,
    load: Script,
    open: Script,
    roles: Script,
    beat: Script,
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
    /// The server is a replica.
    #[error("the server is a replica; configure the address of the master")]
    NotMaster,
    /// A defect of this program.
    #[error("the epoch has not been prepared")]
    NotPrepared,
    /// Redis did not respond in time.
    #[error("Redis did not respond in time")]
    TimedOut,
    /// Redis is unreachable, too slow, or returned an error.
    #[error("cannot write to Redis: {0}")]
    Redis(RedisError),
}

impl Log {
    /// Connects to the current master. Returns also the highest epoch that it has ever had under these keys; 0 for
    /// none.
    pub(super) async fn connect(
        redis: &Redis,
        keys: RedisKeys,
        signing: LogKeys,
    ) -> Result<(Self, u64), LogError> {
        let connecting = async {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(PATIENCE))
                .set_response_timeout(Some(PATIENCE));
            let client = redis.client().await?;
            let mut redis = client.get_multiplexed_async_connection_with_config(&config).await?;
            let scripts = Scripts::new();
            let mut call = scripts.highest.prepare_invoke();
            call.key(&keys.meta).key(&keys.log);
            let (meta, last_id, replication): (Option<String>, String, String) =
                call.invoke_async(&mut redis).await?;
            let in_meta = meta.and_then(|epoch| epoch.parse().ok()).unwrap_or(0);
            let in_log = last_id.parse::<LogPosition>().map_or(0, |last| last.epoch);
            let log = Self { redis, keys, signing, scripts, replication, history: None, roles: None };
            Ok((log, in_log.max(in_meta)))
        };
        timeout(PATIENCE, connecting).await.unwrap_or(Err(LogError::TimedOut))
    }

    /// The epoch to be filled has this history.
    pub(super) const fn begin(&mut self, history: HistoryId) {
        self.history = Some(history);
    }

    /// The epoch that the previous leader left on the master with this replication id. If the server is another one, the
    /// next script refuses.
    pub(super) fn adopt(&mut self, history: HistoryId, replication: &str) {
        self.history = Some(history);
        replication.clone_into(&mut self.replication);
    }

    /// What another relay must find to continue this epoch.
    pub(super) fn identity(&self) -> Result<(HistoryId, &str), LogError> {
        Ok((self.history()?, &self.replication))
    }

    /// The role map that [`Self::open`] writes.
    pub(super) fn keep_roles(&mut self, roles: PublishedRoleMap) {
        self.roles = Some(roles);
    }

    /// Before filling: drops a part of what unfinished fillings left below `epoch`, so that it does not accumulate.
    /// Returns how much it was; 0 when nothing is left.
    pub(super) async fn clear(&mut self, epoch: u64) -> Result<u64, LogError> {
        let mut call = self.scripts.clear.prepare_invoke();
        call.key(&self.keys.meta).key(&self.keys.log).arg(epoch);
        call.invoke_async(&mut self.redis).await.map_err(LogError::from)
    }

    /// While filling: adds records after `at`, without `meta`. Those that were never published reach subscribers at
    /// once.
    pub(super) async fn load(
        &mut self,
        at: LogPosition,
        records: &[Record],
        is_new: bool,
    ) -> Result<(), LogError> {
        let mut call = self.scripts.load.prepare_invoke();
        call.key(&self.keys.meta).key(&self.keys.log).arg(at.epoch).arg(at.seq).arg(encode(records));
        call.arg(if is_new { &self.keys.wake } else { "" });
        call.invoke_async::<()>(&mut self.redis).await.map_err(LogError::from)
    }

    /// Filled up to `at`: makes this epoch valid, with the role map that was kept. Drops earlier epochs and wakes
    /// readers. Returns the version of the role map.
    pub(super) async fn open(&mut self, at: LogPosition) -> Result<u64, LogError> {
        let roles = self.roles.take().ok_or(LogError::NotPrepared)?;
        let mut call = self.scripts.open.prepare_invoke();
        call.key(&self.keys.meta).key(&self.keys.log).key(&self.keys.roles);
        call.arg(&self.keys.wake).arg(at.epoch).arg(at.seq).arg(roles.version);
        let map = roles.encode();
        call.arg(&map).arg(self.history()?.to_string()).arg(self.tags(&map, &roles)?);
        call.invoke_async::<()>(&mut self.redis).await?;
        Ok(roles.version)
    }

    /// While live: replaces the role map and wakes readers.
    pub(super) async fn write_roles(&mut self, roles: &PublishedRoleMap) -> Result<(), LogError> {
        let mut call = self.scripts.roles.prepare_invoke();
        call.key(&self.keys.meta).key(&self.keys.roles);
        call.arg(&self.keys.wake).arg(roles.epoch).arg(roles.version);
        let map = roles.encode();
        call.arg(&map).arg(self.tags(&map, roles)?);
        call.invoke_async::<()>(&mut self.redis).await.map_err(LogError::from)
    }

    /// While live: opens a heartbeat, if everything is as this relay left it. Returns the challenges of sidecars.
    pub(super) async fn beat(
        &mut self,
        at: LogPosition,
        roles: u64,
        beat: u64,
    ) -> Result<Vec<Challenge>, LogError> {
        let mut call = self.scripts.beat.prepare_invoke();
        call.key(&self.keys.meta).key(&self.keys.log).key(&self.keys.roles);
        call.arg(at.epoch).arg(at.seq).arg(roles).arg(self.history()?.to_string());
        call.arg(&self.replication).arg(beat).arg(&self.keys.challenges).arg(Challenge::SLOTS);
        let texts: Vec<String> = call.invoke_async(&mut self.redis).await?;
        // Whatever else a client wrote there is no challenge.
        Ok(texts.iter().filter_map(|text| text.parse().ok()).collect())
    }

    /// While live: appends after `at` and publishes, if the log ends there and the role map has the version
    /// `roles`; then closes a heartbeat. Readers receive the `traces` of the records that have one.
    pub(super) async fn append(
        &mut self,
        at: LogPosition,
        records: &[Record],
        roles: u64,
        close: Option<&LogCertificate>,
        traces: &Traces,
    ) -> Result<(), LogError> {
        let mut call = self.scripts.append.prepare_invoke();
        call.key(&self.keys.meta).key(&self.keys.log).key(&self.keys.roles);
        call.arg(&self.keys.wake).arg(at.epoch).arg(at.seq).arg(encode(records)).arg(roles);
        call.arg(self.history()?.to_string()).arg(&self.replication);
        call.arg(close.map_or_else(String::new, |certificate| certificate.beat.to_string()));
        let log = LogIdentity { epoch: at.epoch, history: self.history()? };
        call.arg(close.map_or_else(String::new, |certificate| certificate.sign(&self.signing, log)));
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

    fn tags(&self, map: &[u8], roles: &PublishedRoleMap) -> Result<String, LogError> {
        let log = LogIdentity { epoch: roles.epoch, history: self.history()? };
        Ok(sign_role_map(map, roles.version, &self.signing, log))
    }

    fn history(&self) -> Result<HistoryId, LogError> {
        self.history.ok_or(LogError::NotPrepared)
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
            beat: Script::new(scripts::BEAT),
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
            Some("NOTMASTER") => Self::NotMaster,
            _ => Self::Redis(error),
        }
    }
}
