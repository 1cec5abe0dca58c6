//! Keeps the log short: drops records that have ended, and carries those that never end forward.

use super::Relay;
use super::binding::Binding;
use super::end::{BindingLost, binding_lost, step_down};
use super::lease::Lease;
use super::traces::Traces;

impl Relay {
    /// Drops the records before the first one that is still needed.
    ///
    /// The record of a killed key never ends and would keep the whole log; it is appended again first, so
    /// that the log contains it at every moment.
    pub(super) async fn trim(&self, lease: &Lease, binding: &mut Binding) -> Result<(), BindingLost> {
        let moment = lease.now().await.map_err(step_down)?.saturating_sub(self.timing.keep.as_secs());
        let end = binding.at;
        let floor = binding.needed.first_at(moment).map_or(end.seq, |first| first.saturating_sub(1));
        let endless = binding.needed.endless_to(floor);
        let carried = u64::try_from(endless.len()).unwrap_or(u64::MAX);
        if floor.saturating_sub(binding.floor) < carried.saturating_add(self.timing.trim_at_least) {
            return Ok(());
        }
        binding.append(&endless, &Traces::default()).await.map_err(|error| binding_lost(end.epoch, error))?;
        binding.log.trim(end, floor).await.map_err(|error| binding_lost(end.epoch, error))?;
        tracing::debug!(floor, "Trimmed the revocation log.");
        binding.floor = floor;
        Ok(())
    }

    /// Deletes one batch of expired rows, and returns whether more may be left.
    ///
    /// A failure here blocks nothing: the next publication finds out whether PostgreSQL is available.
    pub(super) async fn sweep(&self, lease: &Lease) -> bool {
        match lease.sweep(self.timing.keep, self.timing.sweep).await {
            Ok(deleted) => deleted == self.timing.sweep,
            Err(error) => {
                tracing::warn!(%error, "Cannot delete expired revocations; trying again later.");
                false
            }
        }
    }
}
