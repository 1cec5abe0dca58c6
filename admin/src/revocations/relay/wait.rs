//! What a leader waits for while nothing has to be published.

use shared::revocation::{LeaderEvent, LogPosition, Waking};

use super::end::Fault;
use super::term::Term;
use crate::revocations::needed::ChainedPosition;

impl Term<'_> {
    /// Waits until something must be done. Heartbeats go first: however much is committed, they are opened in time.
    pub(super) async fn wait(&mut self, end: LogPosition) -> Result<LeaderEvent, Fault> {
        if self.trimmed.elapsed() >= self.parts.timing.trim_every {
            (self.trimmed, self.sweeping) = (tokio::time::Instant::now(), true);
            if let Some(trim) = self.trimmable(end).await? {
                return Ok(LeaderEvent::Woken(trim));
            }
        }
        self.sweeping = self.sweeping && self.sweep().await;
        let waking = tokio::select! {
            biased;
            () = self.stop.clone() => Waking::Stopping,
            () = tokio::time::sleep_until(self.beaten + self.parts.timing.tick) => Waking::BeatIsDue,
            () = self.lease.notified() => Waking::Committed,
        };
        Ok(LeaderEvent::Woken(waking))
    }

    /// What can be dropped before the first record that is still needed, if it is worth it.
    async fn trimmable(&mut self, end: LogPosition) -> Result<Option<Waking>, Fault> {
        let timing = &self.parts.timing;
        let moment = self.lease.now().await?.saturating_sub(timing.keep.as_secs());
        let all = ChainedPosition { seq: end.seq, chain: self.needed.chain };
        let before = self.needed.before(moment).unwrap_or(all);
        let floor = before.seq;
        (self.endless, self.next_floor) = (self.needed.endless_to(floor), before);
        let carried = u64::try_from(self.endless.len()).unwrap_or(u64::MAX);
        let is_worth_it =
            floor.saturating_sub(self.floor.seq) >= carried.saturating_add(timing.trim_at_least);
        Ok(is_worth_it.then_some(Waking::MayTrim { floor, carried }))
    }

    /// Deletes one batch of expired rows, and returns whether more may be left.
    ///
    /// A failure here blocks nothing: the next publication finds out whether PostgreSQL is available.
    async fn sweep(&self) -> bool {
        let timing = &self.parts.timing;
        match self.lease.sweep(timing.keep, timing.sweep).await {
            Ok(deleted) => deleted == timing.sweep,
            Err(error) => {
                tracing::warn!(%error, "Cannot delete expired revocations; trying again later.");
                false
            }
        }
    }
}
