//! Keeping the log as short as the truth: what has ended goes, what never ends is carried along.

use shared::revocation::Position;

use super::{Broken, Log, Post, Relay, broken, fallen};

impl Relay {
    /// Drops the records before the first that is still needed, and deletes the rows that ended.
    ///
    /// A killed key's record never ends and would hold the whole log; it is appended again first, so that
    /// at no moment the log is without it.
    pub(super) async fn trim(&self, post: &Post, log: &mut Log, at: &mut Position) -> Result<(), Broken> {
        post.sweep(self.pace.keep).await.map_err(fallen)?;
        let first = post.first_to_keep(at.epoch, self.pace.keep).await.map_err(fallen)?;
        let floor = first.map_or(at.seq, |first| first.saturating_sub(1));
        let endless = post.endless_below(*at, floor).await.map_err(fallen)?;
        let dropped = log.length().await.map_err(|error| broken(at.epoch, error))?;
        let dropped = dropped.saturating_sub(at.seq.saturating_sub(floor));
        let carried = u64::try_from(endless.len()).unwrap_or(u64::MAX);
        if dropped < carried.saturating_add(self.pace.trim_at_least) {
            return Ok(());
        }
        log.append(*at, &endless).await.map_err(|error| broken(at.epoch, error))?;
        *at = self.mark(post, *at, &endless).await.map_err(fallen)?;
        log.trim(*at, floor).await.map_err(|error| broken(at.epoch, error))?;
        tracing::debug!(floor, dropped, "Trimmed the revocation log.");
        Ok(())
    }
}
