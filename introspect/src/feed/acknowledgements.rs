//! Tells admin how far this sidecar has read the log: a key with a time to live, the only thing that a sidecar writes.
//!
//! Nothing that this sidecar decides depends on it. If Redis refuses it, only receipts are missing.

use std::hash::{BuildHasher as _, RandomState};

use redis::aio::MultiplexedConnection;
use redis::{RedisError, cmd};
use shared::revocation::{LogPosition, RedisKeys, SidecarAck};
use tokio::time::Instant;

use crate::freshness::Age;

/// The acknowledgements of one sidecar.
pub(super) struct Acknowledgements {
    key: String,
    last: Option<(LogPosition, Instant)>,
    /// So that it is logged once.
    is_refused: bool,
}

impl Acknowledgements {
    /// Under a name of its own, which it has until it ends.
    pub(super) fn new(keys: &RedisKeys) -> Self {
        let name = format!("{:016x}", RandomState::new().hash_one(std::process::id()));
        Self { key: keys.ack(&name), last: None, is_refused: false }
    }

    /// The log was read to its end, which is `position`. Written if that is news, or the last one will expire.
    ///
    /// # Errors
    ///
    /// When the connection is broken; not when Redis refuses it.
    pub(super) async fn send(
        &mut self,
        redis: &mut MultiplexedConnection,
        position: LogPosition,
        age: Age,
    ) -> Result<(), RedisError> {
        let is_due =
            |(sent, at): (LogPosition, Instant)| sent != position || at.elapsed() >= SidecarAck::EVERY;
        if !self.last.is_none_or(is_due) {
            return Ok(());
        }
        self.last = Some((position, Instant::now()));
        let age_ms = match age {
            Age::AtMost(age) => u64::try_from(age.as_millis()).ok(),
            Age::Unknown | Age::Uncertified => None,
        };
        let ack = SidecarAck { position, age_ms, version: env!("CARGO_PKG_VERSION").to_owned() };
        let mut set = cmd("SET");
        set.arg(&self.key).arg(ack.to_string()).arg("PX").arg(SidecarAck::LIFE.as_millis() as u64);
        match set.query_async::<()>(redis).await {
            // If the server had not answered, there would be no code.
            Err(error) if error.code().is_some() => {
                if !std::mem::replace(&mut self.is_refused, true) {
                    tracing::warn!(%error, "Redis refuses the acknowledgements of this sidecar; admin does not list it.");
                }
                Ok(())
            }
            answer => {
                self.is_refused = false;
                answer
            }
        }
    }
}
