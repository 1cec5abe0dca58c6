//! Whether the sidecar knows enough to decide.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use runtime::ops::NotReadyReason;
use tokio::sync::Notify;

use crate::rights::CurrentRoleMap;

/// What must be known before a decision, and whether the sidecar is stopping.
#[derive(Debug)]
pub struct Ready {
    /// Notified whenever another field changes.
    changed: Notify,
    keys: AtomicBool,
    revocations: AtomicU8,
    roles: Arc<CurrentRoleMap>,
    draining: AtomicBool,
}

/// How much of the revocations is known. Tokens are judged only with [`Revocations::Known`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Revocations {
    /// The log has not been read to its end.
    Unread = 0,
    /// Every record of the log has been read.
    Known = 1,
    /// A record of the log is lost, or has a form that this version does not know.
    Incomplete = 2,
    /// The log has a lower epoch than one that was read before: it is an old one, and later records may be
    /// missing.
    Old = 3,
}

impl Ready {
    /// Nothing is known yet, except perhaps the roles.
    pub fn new(roles: Arc<CurrentRoleMap>) -> Self {
        Self {
            changed: Notify::new(),
            keys: AtomicBool::new(false),
            revocations: AtomicU8::new(Revocations::Unread as u8),
            roles,
            draining: AtomicBool::new(false),
        }
    }

    /// Keys have been fetched. They stay known: a failed refresh keeps the old set.
    pub fn mark_keys_known(&self) {
        self.keys.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }

    /// Sets how much of the revocations is known. A lost connection changes nothing: records that were read
    /// stay valid.
    pub fn mark_revocations(&self, known: Revocations) {
        self.revocations.store(known as u8, Ordering::Release);
        self.changed.notify_waiters();
    }

    /// The role map has been installed or dropped.
    pub fn notify_role_map(&self) {
        self.changed.notify_waiters();
    }

    /// The sidecar is stopping and will accept no more connections.
    pub fn mark_draining(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// How much of the revocations is known.
    pub fn revocations(&self) -> Revocations {
        let all = [Revocations::Known, Revocations::Incomplete, Revocations::Old];
        let number = self.revocations.load(Ordering::Acquire);
        all.into_iter().find(|one| *one as u8 == number).unwrap_or(Revocations::Unread)
    }

    /// Whether the whole log has been read, and no record has been lost since.
    pub fn revocations_are_known(&self) -> bool {
        self.revocations() == Revocations::Known
    }

    /// Whether a token can be judged. A sidecar that is stopping still can. Without a role map it decides only
    /// the policies that require neither a role nor a permission.
    pub fn can_decide(&self) -> bool {
        self.keys.load(Ordering::Acquire) && self.revocations_are_known()
    }

    /// Waits until everything is known.
    pub async fn complete(&self) {
        loop {
            // Created before the check, so that no change between check and wait is missed.
            let changed = self.changed.notified();
            if self.missing().is_none() {
                return;
            }
            changed.await;
        }
    }

    /// Why the sidecar must get no requests; `None` if it can serve them.
    pub fn missing(&self) -> Option<NotReadyReason> {
        if self.draining.load(Ordering::Acquire) {
            return Some(DRAINING);
        }
        if !self.keys.load(Ordering::Acquire) {
            return Some(NO_KEYS);
        }
        match self.revocations() {
            Revocations::Known if !self.roles.is_known() => Some(NO_ROLE_MAP),
            Revocations::Known => None,
            Revocations::Unread => Some(REVOCATIONS_UNREAD),
            Revocations::Incomplete => Some(REVOCATIONS_INCOMPLETE),
            Revocations::Old => Some(REVOCATIONS_OLD),
        }
    }
}

const DRAINING: NotReadyReason = NotReadyReason { code: "draining", detail: "The sidecar is stopping." };
const NO_KEYS: NotReadyReason =
    NotReadyReason { code: "keys", detail: "The issuer's keys have not been fetched yet." };
const NO_ROLE_MAP: NotReadyReason = NotReadyReason {
    code: "role_map",
    detail: "The role map is missing, unreadable or of an unknown format. An admin of this version must be the leader.",
};
const REVOCATIONS_UNREAD: NotReadyReason = NotReadyReason {
    code: "revocations_unread",
    detail: "The revocation log has not been read completely yet.",
};
const REVOCATIONS_INCOMPLETE: NotReadyReason = NotReadyReason {
    code: "revocations_incomplete",
    detail: "The revocation log has lost records, or has records of an unknown form. \
             It needs a new epoch, or this sidecar a newer version.",
};
const REVOCATIONS_OLD: NotReadyReason = NotReadyReason {
    code: "revocations_old",
    detail: "The revocation log has an earlier epoch than one already read. \
             If PostgreSQL was restored from a backup, restart this sidecar.",
};

#[cfg(test)]
mod tests {
    use shared::role_map::RoleMap;

    use super::*;

    fn ready() -> Ready {
        Ready::new(Arc::default())
    }

    fn set_role_map(ready: &Ready, known: bool) {
        if known {
            ready.roles.install(RoleMap::default());
        } else {
            ready.roles.forget();
        }
        ready.notify_role_map();
    }

    #[test]
    fn both_keys_and_revocations_are_needed() {
        let ready = ready();
        assert!(!ready.can_decide());
        ready.mark_keys_known();
        assert!(!ready.can_decide());
        ready.mark_revocations(Revocations::Known);
        assert!(ready.can_decide());
        set_role_map(&ready, true);
        assert_eq!(ready.missing(), None);
    }

    #[tokio::test]
    async fn a_waiter_is_woken_when_nothing_is_missing_whatever_comes_last() {
        let steps: [fn(&Ready); 3] = [
            Ready::mark_keys_known,
            |ready| ready.mark_revocations(Revocations::Known),
            |ready| set_role_map(ready, true),
        ];
        for last in 0..steps.len() {
            let ready = Arc::new(ready());
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
    fn without_a_role_map_tokens_are_judged_but_the_sidecar_is_not_ready() {
        let ready = ready();
        ready.mark_keys_known();
        ready.mark_revocations(Revocations::Known);
        assert!(ready.can_decide() && ready.missing().is_some_and(|why| why == NO_ROLE_MAP));
        set_role_map(&ready, true);
        assert_eq!(ready.missing(), None);
        set_role_map(&ready, false);
        assert!(ready.can_decide() && ready.missing().is_some());
    }

    #[test]
    fn a_stopping_sidecar_decides_but_wants_no_more() {
        let ready = ready();
        ready.mark_keys_known();
        ready.mark_revocations(Revocations::Known);
        ready.mark_draining();
        assert!(ready.can_decide());
        assert_eq!(ready.missing(), Some(DRAINING));
    }

    #[test]
    fn nothing_is_decided_unless_all_revocations_are_known() {
        let ready = ready();
        ready.mark_keys_known();
        for known in [Revocations::Unread, Revocations::Incomplete, Revocations::Old] {
            ready.mark_revocations(Revocations::Known);
            assert!(ready.can_decide());
            ready.mark_revocations(known);
            assert_eq!(ready.revocations(), known);
            assert!(
                !ready.can_decide() && ready.missing().is_some_and(|why| why.code.starts_with("revocations"))
            );
        }
    }
}
