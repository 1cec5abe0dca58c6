//! Writes the revocation log and the role map as the relay does, by the documented protocol.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use redis::{Connection, pipe};
use shared::clock::{Clock as _, SystemClock};
use shared::revocation::{Kind, LogPosition, Reason, Record, RecordKey, RedisKeys, Until};
use shared::role_map::{PublishedRoleMap, Role, RoleMap};

use super::{ISSUER, redis_url};

/// A log under its own prefix, removed at the end.
pub(crate) struct Log {
    prefix: String,
    keys: RedisKeys,
    redis: Mutex<Connection>,
    heartbeats: Heartbeats,
}

/// Opens and closes heartbeats, as the relay does while it leads.
struct Heartbeats {
    is_paused: Arc<AtomicBool>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Closes the heartbeat that is open and opens the next one, in a log that has a history. Everything that a test appended
/// is in the log by then.
const BEAT: &str = "if redis.call('HEXISTS', KEYS[1], 'history') == 0 then return end
    local opened = redis.call('HGET', KEYS[1], 'hb_open')
    if opened then redis.call('HSET', KEYS[1], 'hb', opened) end
    redis.call('HINCRBY', KEYS[1], 'hb_open', 1)";

/// The role map of every epoch until a test publishes another.
pub(crate) const ROLES: &[(&str, &str, &str)] = &[("subscriber", "films:watch", ""), ("vip", "", "")];

/// A map from a text of names, permissions and parents, separated by spaces.
pub(crate) fn role_map(roles: &[(&str, &str, &str)]) -> RoleMap {
    let role = |(name, permissions, inherits): &(&str, &str, &str)| {
        let permissions = permissions.split_whitespace().map(|text| text.parse().unwrap()).collect();
        let inherits = inherits.split_whitespace().map(|text| text.parse().unwrap()).collect();
        (name.parse().unwrap(), Role { permissions, inherits })
    };
    roles.iter().map(role).collect()
}

/// A record about `claim` that outlives the test.
pub(crate) fn record(kind: Kind, claim: &str, reason: Reason, argument: u64) -> Record {
    let key = match kind {
        Kind::Everything => RecordKey::ZERO,
        _ => RecordKey::new(ISSUER, kind, claim),
    };
    Record { kind, reason, until: Until::at(SystemClock.unix_seconds() + 1200), key, argument }
}

impl Log {
    pub(crate) fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "each test has a prefix of its own")]
        let id = uuid::Uuid::now_v7();
        let prefix = format!("test:{}:", id.simple());
        let client = redis::Client::open(redis_url()).unwrap();
        let redis = client.get_connection().expect("Redis answers; start it with ./compose/local services");
        let keys = RedisKeys::new(&prefix);
        let heartbeats = Heartbeats::start(client.get_connection().unwrap(), keys.meta.clone());
        Self { keys, prefix, redis: Mutex::new(redis), heartbeats }
    }

    /// Opens and closes no more heartbeats, or does so again.
    pub(crate) fn pause_heartbeats(&self, is_paused: bool) {
        self.heartbeats.is_paused.store(is_paused, Ordering::SeqCst);
    }

    /// The same epoch without history and heartbeats, as a relay of an earlier release writes it.
    pub(crate) fn forget_history(&self) {
        self.run(pipe().cmd("HDEL").arg(&self.keys.meta).arg(&["history", "hb_open", "hb"]));
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Fills a new epoch: the records first, the role map and `meta` last.
    pub(crate) fn begin(&self, epoch: u64, records: &[Record]) {
        let bytes: Vec<_> = records.iter().map(|record| record.encode().to_vec()).collect();
        self.begin_raw(epoch, &bytes);
    }

    pub(crate) fn begin_raw(&self, epoch: u64, records: &[Vec<u8>]) {
        for chunk in (1_u64..).zip(records).collect::<Vec<_>>().chunks(1000) {
            let mut pipe = pipe();
            for (seq, record) in chunk {
                pipe.cmd("XADD")
                    .arg(&self.keys.log)
                    .arg(format!("{epoch}-{seq}"))
                    .arg(RedisKeys::RECORD_FIELD)
                    .arg(record);
            }
            self.run(&pipe);
        }
        let roles = PublishedRoleMap { epoch, version: 1, map: role_map(ROLES) };
        self.write_roles(&roles.encode(), 1, Some((epoch, records.len() as u64)));
    }

    /// Replaces the role map of the current epoch and sends a wake message, as the relay does.
    pub(crate) fn publish_roles(&self, version: u64, roles: &[(&str, &str, &str)]) {
        self.publish_roles_silently(version, roles);
        self.publish(b"");
    }

    /// The same without a wake message, as when the message is lost.
    pub(crate) fn publish_roles_silently(&self, version: u64, roles: &[(&str, &str, &str)]) {
        let LogPosition { epoch, .. } = self.position().expect("an epoch has begun");
        let roles = PublishedRoleMap { epoch, version, map: role_map(roles) };
        self.write_roles(&roles.encode(), version, None);
    }

    /// Writes any bytes as the role map that `meta` names, perhaps with a new epoch and its last record,
    /// atomically.
    pub(crate) fn write_roles(&self, bytes: &[u8], version: u64, epoch: Option<(u64, u64)>) {
        let mut pipe = pipe();
        pipe.atomic().cmd("SET").arg(&self.keys.roles).arg(bytes);
        pipe.cmd("HSET").arg(&self.keys.meta).arg("roles").arg(version);
        if let Some((epoch, seq)) = epoch {
            pipe.arg(&["epoch", &*epoch.to_string(), "seq", &*seq.to_string(), "floor", "0"]);
            #[expect(clippy::disallowed_methods, reason = "each epoch has a history of its own")]
            let history = uuid::Uuid::now_v7().simple();
            pipe.arg(&["history", &*format!("{epoch}:{history}")]);
            pipe.cmd("HDEL").arg(&self.keys.meta).arg(&["hb_open", "hb"]);
        }
        self.run(&pipe);
    }

    /// Names a role map in `meta`, even if it does not exist.
    pub(crate) fn name_roles(&self, version: &str) {
        self.run(pipe().cmd("HSET").arg(&self.keys.meta).arg("roles").arg(version));
    }

    /// Names no role map, as the relay of an earlier release does.
    pub(crate) fn unname_roles(&self) {
        self.run(pipe().cmd("HDEL").arg(&self.keys.meta).arg("roles"));
    }

    /// Removes only the role map.
    pub(crate) fn remove_roles(&self) {
        self.run(pipe().cmd("DEL").arg(&self.keys.roles));
    }

    /// Puts a value that is not a string under the key of the role map.
    pub(crate) fn spoil_roles(&self) {
        self.remove_roles();
        self.run(pipe().cmd("HSET").arg(&self.keys.roles).arg("a").arg("b"));
    }

    /// Appends and publishes atomically, as the relay does.
    pub(crate) fn append(&self, records: &[Record]) {
        let payload: Vec<u8> = records.iter().flat_map(Record::encode).collect();
        self.append_raw(records.iter().map(|record| record.encode().to_vec()).collect(), Some(&payload));
    }

    /// Appends without a wake message, as when the message is lost.
    pub(crate) fn append_silently(&self, records: &[Record]) {
        self.append_raw(records.iter().map(|record| record.encode().to_vec()).collect(), None);
    }

    pub(crate) fn append_raw(&self, records: Vec<Vec<u8>>, wake: Option<&[u8]>) {
        let LogPosition { epoch, mut seq } = self.position().expect("an epoch has begun");
        let mut pipe = pipe();
        pipe.atomic();
        for record in records {
            seq += 1;
            pipe.cmd("XADD")
                .arg(&self.keys.log)
                .arg(format!("{epoch}-{seq}"))
                .arg(RedisKeys::RECORD_FIELD)
                .arg(record);
        }
        pipe.cmd("HSET").arg(&self.keys.meta).arg("seq").arg(seq);
        if let Some(payload) = wake {
            pipe.cmd("PUBLISH").arg(&self.keys.wake).arg(payload);
        }
        self.run(&pipe);
    }

    /// Publishes without appending, so that only a subscriber receives the record.
    pub(crate) fn publish(&self, payload: &[u8]) {
        self.run(pipe().cmd("PUBLISH").arg(&self.keys.wake).arg(payload));
    }

    /// Raises the floor first, then removes the records below it.
    pub(crate) fn trim(&self, floor: u64) {
        let LogPosition { epoch, seq } = self.position().expect("an epoch has begun");
        self.set_meta(epoch, seq, floor);
        let least = format!("{epoch}-{}", floor + 1);
        self.run(pipe().cmd("XTRIM").arg(&self.keys.log).arg("MINID").arg(least));
    }

    pub(crate) fn set_meta(&self, epoch: u64, seq: u64, floor: u64) {
        let mut pipe = pipe();
        pipe.cmd("HSET").arg(&self.keys.meta).arg(&["epoch", &*epoch.to_string()]);
        pipe.arg(&["seq", &*seq.to_string(), "floor", &*floor.to_string()]);
        self.run(&pipe);
    }

    /// Removes one record, which a correct system never does.
    pub(crate) fn remove(&self, position: &str) {
        self.run(pipe().cmd("XDEL").arg(&self.keys.log).arg(position));
    }

    /// Deletes everything, as a Redis that lost its data.
    pub(crate) fn wipe(&self) {
        self.run(pipe().cmd("DEL").arg(&[&self.keys.meta, &self.keys.log, &self.keys.roles]));
    }

    pub(crate) fn position(&self) -> Option<LogPosition> {
        let mut redis = self.redis.lock().unwrap();
        let (epoch, seq) =
            redis::cmd("HMGET").arg(&self.keys.meta).arg("epoch").arg("seq").query(&mut *redis).unwrap();
        let (epoch, seq): (Option<u64>, Option<u64>) = (epoch, seq);
        Some(LogPosition { epoch: epoch?, seq: seq? })
    }

    fn run(&self, pipe: &redis::Pipeline) {
        pipe.exec(&mut *self.redis.lock().unwrap()).unwrap();
    }
}

impl Heartbeats {
    fn start(mut redis: Connection, meta: String) -> Self {
        let (is_paused, is_over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (paused, over) = (Arc::clone(&is_paused), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            let script = redis::Script::new(BEAT);
            while !over.load(Ordering::SeqCst) {
                if !paused.load(Ordering::SeqCst) {
                    script.key(&meta).invoke::<()>(&mut redis).unwrap();
                }
                std::thread::park_timeout(Duration::from_millis(10));
            }
        });
        Self { is_paused, is_over, thread: Some(thread) }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.heartbeats.is_over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.heartbeats.thread.take() {
            thread.thread().unpark();
            let _ended = thread.join();
        }
        self.wipe();
    }
}
