//! Whether the sidecar knows enough to decide.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use runtime::ops::Reason;
use tokio::sync::Notify;

/// What has to be there before a decision, and whether the last one is near.
#[derive(Debug, Default)]
pub struct Ready {
    /// Told whenever one of the others is set.
    changed: Notify,
    keys: AtomicBool,
    revocations: AtomicU8,
    role_map: AtomicBool,
    draining: AtomicBool,
}

/// How much of the revocations is known. Tokens are judged under [`Revocations::Known`] alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Revocations {
    /// The log has not been read to its end.
    Unread = 0,
    /// Everything that the log held.
    Known = 1,
    /// The log held something that was lost, or that this version does not understand.
    Incomplete = 2,
    /// The log is of an epoch before one that was read: an old history, which may lack what came after.
    Old = 3,
}

impl Ready {
    /// A set of keys is there. Once there it stays: a failed refresh keeps the old one.
    pub fn keys_are_known(&self) {
        self.keys.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }

    /// Says how much is known. A lost connection is no reason to: what was read stays true.
    pub fn set_revocations(&self, known: Revocations) {
        self.revocations.store(known as u8, Ordering::Release);
        self.changed.notify_waiters();
    }

    /// How much is known.
    pub fn revocations(&self) -> Revocations {
        let all = [Revocations::Known, Revocations::Incomplete, Revocations::Old];
        let number = self.revocations.load(Ordering::Acquire);
        all.into_iter().find(|one| *one as u8 == number).unwrap_or(Revocations::Unread)
    }

    /// Whether the whole log has been read, and nothing of it was lost since.
    pub fn revocations_are_known(&self) -> bool {
        self.revocations() == Revocations::Known
    }

    /// Says whether a role map is known.
    pub fn set_role_map(&self, known: bool) {
        self.role_map.store(known, Ordering::Release);
        self.changed.notify_waiters();
    }

    /// Whether one is.
    pub fn role_map_is_known(&self) -> bool {
        self.role_map.load(Ordering::Acquire)
    }

    /// No more connections will be taken.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether a token can be judged. A sidecar that is stopping still can; without a role map, those policies can
    /// be decided that demand neither role nor permission.
    pub fn can_decide(&self) -> bool {
        self.keys.load(Ordering::Acquire) && self.revocations_are_known()
    }

    /// Waits until nothing is missing.
    pub async fn complete(&self) {
        loop {
            // Made before the look, so that no change between the two is missed.
            let changed = self.changed.notified();
            if self.missing().is_none() {
                return;
            }
            changed.await;
        }
    }

    /// Why the sidecar wants no requests; `None` if it wants them.
    pub fn missing(&self) -> Option<Reason> {
        if self.draining.load(Ordering::Acquire) {
            return Some(DRAINING);
        }
        if !self.keys.load(Ordering::Acquire) {
            return Some(NO_KEYS);
        }
        match self.revocations() {
            Revocations::Known if !self.role_map_is_known() => Some(NO_ROLE_MAP),
            Revocations::Known => None,
            Revocations::Unread => Some(REVOCATIONS_UNREAD),
            Revocations::Incomplete => Some(REVOCATIONS_INCOMPLETE),
            Revocations::Old => Some(REVOCATIONS_OLD),
        }
    }
}

const DRAINING: Reason = Reason { code: "draining", detail: "The sidecar is stopping." };
const NO_KEYS: Reason = Reason { code: "keys", detail: "The issuer's keys have not been fetched yet." };
const NO_ROLE_MAP: Reason = Reason {
    code: "role_map",
    detail: "The role map is missing, unreadable or of an unknown format. An admin of this version must be the leader.",
};
const REVOCATIONS_UNREAD: Reason =
    Reason { code: "revocations_unread", detail: "The revocation log has not been read completely yet." };
const REVOCATIONS_INCOMPLETE: Reason = Reason {
    code: "revocations_incomplete",
    detail: "The revocation log has lost records, or has records of an unknown form. \
             It needs a new epoch, or this sidecar a newer version.",
};
const REVOCATIONS_OLD: Reason = Reason {
    code: "revocations_old",
    detail: "The revocation log has an earlier epoch than one already read. \
             If PostgreSQL was restored from a backup, restart this sidecar.",
};

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn both_keys_and_revocations_are_needed() {
        let ready = Ready::default();
        assert!(!ready.can_decide());
        ready.keys_are_known();
        assert!(!ready.can_decide());
        ready.set_revocations(Revocations::Known);
        assert!(ready.can_decide());
        ready.set_role_map(true);
        assert_eq!(ready.missing(), None);
    }

    #[tokio::test]
    async fn who_waits_for_all_of_it_is_told_when_it_is_there_whatever_comes_last() {
        let steps: [fn(&Ready); 3] = [
            Ready::keys_are_known,
            |ready| ready.set_revocations(Revocations::Known),
            |ready| ready.set_role_map(true),
        ];
        for last in 0..steps.len() {
            let ready = Arc::new(Ready::default());
            let waiting = tokio::spawn({
                let ready = Arc::clone(&ready);
                async move { ready.complete().await }
            });
            for step in steps.iter().enumerate().filter(|(number, _)| *number != last) {
                step.1(&ready);
                tokio::task::yield_now().await;
            }
            assert!(!waiting.is_finished());
            steps[last](&ready);
            waiting.await.unwrap();
        }
    }

    #[test]
    fn without_a_role_map_tokens_are_judged_and_no_more_requests_are_wanted() {
        let ready = Ready::default();
        ready.keys_are_known();
        ready.set_revocations(Revocations::Known);
        assert!(ready.can_decide() && ready.missing().is_some_and(|why| why == NO_ROLE_MAP));
        ready.set_role_map(true);
        assert_eq!(ready.missing(), None);
        ready.set_role_map(false);
        assert!(ready.can_decide() && ready.missing().is_some());
    }

    #[test]
    fn a_stopping_sidecar_decides_but_wants_no_more() {
        let ready = Ready::default();
        ready.keys_are_known();
        ready.set_revocations(Revocations::Known);
        ready.drain();
        assert!(ready.can_decide());
        assert_eq!(ready.missing(), Some(DRAINING));
    }

    #[test]
    fn only_what_is_known_whole_can_be_decided_by() {
        let ready = Ready::default();
        ready.keys_are_known();
        for known in [Revocations::Unread, Revocations::Incomplete, Revocations::Old] {
            ready.set_revocations(Revocations::Known);
            assert!(ready.can_decide());
            ready.set_revocations(known);
            assert_eq!(ready.revocations(), known);
            assert!(
                !ready.can_decide() && ready.missing().is_some_and(|why| why.code.starts_with("revocations"))
            );
        }
    }
}
