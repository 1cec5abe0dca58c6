//! What the feed writes to Redis and asks of it, and whether an answer is authentic.

use futures_util::future::join;
use redis::aio::MultiplexedConnection;
use shared::revocation::{LogCertificate, LogPart, LogReply};
use tokio::time::timeout;

use super::fault::FeedError;
use super::role_map::RoleMapVersion;
use super::{Feed, PATIENCE};
use crate::freshness::Moment;
use crate::metrics::Anomaly;

impl Feed {
    /// Asks for the log after the position, and writes a number that the answer's certificate must name.
    pub(super) async fn ask(
        &mut self,
        redis: &mut MultiplexedConnection,
        sent: Moment,
    ) -> Result<Option<LogReply>, FeedError> {
        let (position, history) = (self.log.position(), self.log.history());
        let limit = self.at_most(PATIENCE);
        let (issued, writer) = (self.authenticity.issue(sent), redis.clone());
        let written = self.authenticity.write(writer, &self.keys, issued);
        let both = join(written, self.reader.read(redis, &self.keys, position, history));
        let (written, reply) = timeout(limit, both).await.map_err(|_| FeedError::TimedOut)?;
        written?;
        Ok(reply?)
    }

    /// The certificate of an answer, if it is valid.
    pub(super) fn certificate(&mut self, part: &LogPart) -> Option<(LogCertificate, Option<Moment>)> {
        let judged = self.authenticity.judge(self.log.identity(), part);
        judged.unwrap_or_else(|why| {
            self.report(Anomaly::NotAuthentic, &why);
            None
        })
    }

    /// Whether no older role map is in use than the one that is signed.
    pub(super) fn has_map_of(&self, signed: &LogCertificate) -> bool {
        let (epoch, version) = (self.log.position().epoch, signed.roles);
        !self.role_map.is_older_than(RoleMapVersion { epoch, version })
    }

    /// The log was read to its end.
    pub(super) async fn acknowledge(&mut self, redis: &mut MultiplexedConnection) -> Result<(), FeedError> {
        let (position, age) = (self.log.position(), self.known.freshness.certificate().monotonic_age());
        let limit = self.at_most(PATIENCE);
        let sent = timeout(limit, self.acks.send(redis, position, age)).await;
        Ok(sent.map_err(|_| FeedError::TimedOut)??)
    }
}
