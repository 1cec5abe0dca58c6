//! Whether what Redis returns is what admin wrote: a client that can write to Redis must not make revocations disappear.
//!
//! Without keys everything is believed, as by releases before there were keys.

use redis::RedisError;
use redis::aio::MultiplexedConnection;
use shared::revocation::{
    Challenge, LogCertificate, LogIdentity, LogKeys, LogPart, NotCertified, RedisKeys, RevocationReader,
};

use super::challenges::OwnChallenges;
use super::role_map_seal::RoleMapSeal;
use crate::freshness::Moment;

/// The keys, if the sidecar has any, and what it asked.
pub(super) struct Authenticity {
    keys: Option<LogKeys>,
    challenges: OwnChallenges,
}

/// Why an answer is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotAuthentic {
    #[error(
        "admin does not sign the heartbeats of this log: it has an earlier release, or another client writes to Redis"
    )]
    Unsigned,
    #[error(
        "no key of INTROSPECT_REVOCATION_KEYS fits the certificate of the log ({0}): set it to what `admin keys sidecar` \
         prints, unless another client writes to Redis"
    )]
    Certificate(NotCertified),
}

impl Authenticity {
    pub(super) fn new(keys: Option<LogKeys>) -> Self {
        Self { keys, challenges: OwnChallenges::default() }
    }

    /// A reader of the log that believes no more than this.
    pub(super) fn reader(&self) -> RevocationReader<Moment> {
        if self.keys.is_some() { RevocationReader::authenticated() } else { RevocationReader::default() }
    }

    /// A number to write with a question of this moment, if answers are verified.
    pub(super) fn issue(&mut self, now: Moment) -> Option<(u8, Challenge)> {
        if self.keys.is_some() { self.challenges.issue(now) } else { None }
    }

    /// Writes it.
    ///
    /// # Errors
    ///
    /// When the connection is broken.
    pub(super) async fn write(
        &mut self,
        mut redis: MultiplexedConnection,
        names: &RedisKeys,
        issued: Option<(u8, Challenge)>,
    ) -> Result<(), RedisError> {
        self.challenges.write(&mut redis, names, issued).await
    }

    /// The certificate of an answer, and the moment that it answers. None if none is needed, or no heartbeat of this log was
    /// closed yet.
    ///
    /// # Errors
    ///
    /// When it is not signed for this log.
    pub(super) fn judge(
        &mut self,
        log: Option<LogIdentity>,
        part: &LogPart,
    ) -> Result<Option<(LogCertificate, Option<Moment>)>, NotAuthentic> {
        let Some(keys) = self.keys.as_ref().filter(|_| part.closed > 0) else { return Ok(None) };
        let log = log.filter(|_| !part.certificate.is_empty()).ok_or(NotAuthentic::Unsigned)?;
        let signed =
            LogCertificate::verify(&part.certificate, keys, log).map_err(NotAuthentic::Certificate)?;
        let answered = self.challenges.answered_by(&signed.challenges);
        Ok(Some((signed, answered)))
    }

    /// What the role map that an answer names must be signed with.
    pub(super) fn seal(&self, log: Option<LogIdentity>, part: &LogPart) -> RoleMapSeal {
        match &self.keys {
            None => RoleMapSeal::NotRequired,
            Some(keys) => RoleMapSeal::Required { keys: keys.clone(), log, tags: part.roles_tags.clone() },
        }
    }
}
