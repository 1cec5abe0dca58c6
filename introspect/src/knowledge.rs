//! The knowledge of the sidecar: the parts of a decision that change while it runs, and whether they are enough to decide.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use runtime::ops::NotReadyReason;
use shared::role_map::RoleMap;
use shared::token::KeySet;
use tokio::sync::Notify;

use crate::issuer_keys::{IssuerKeys, KeyGeneration};
use crate::revoked::Revoked;
use crate::rights::CurrentRoleMap;

/// Keys, revocations and roles. Each part has one writer, and readers that never wait.
pub struct Knowledge {
    /// The issuer's keys.
    pub keys: IssuerKeys,
    /// The revocations.
    pub revoked: Revoked,
    /// The rights of roles.
    pub roles: CurrentRoleMap,
    revocations: AtomicU8,
    draining: AtomicBool,
    /// Notified whenever another field changes.
    changed: Notify,
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

impl Knowledge {
    /// Nothing is known yet. Records are kept `leeway` seconds longer than their expiry.
    pub fn new(leeway: u64) -> Self {
        Self {
            keys: IssuerKeys::default(),
            revoked: Revoked::new(leeway),
            roles: CurrentRoleMap::default(),
            revocations: AtomicU8::new(Revocations::Unread as u8),
            draining: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    /// Replaces the keys. Only one task may.
    pub fn install_keys(&self, set: KeySet) {
        self.keys.install(set);
        self.changed.notify_waiters();
    }

    /// Replaces the role map, or drops it. Only one task may.
    pub fn set_role_map(&self, map: Option<RoleMap>) {
        match map {
            Some(map) => self.roles.install(map),
            None => self.roles.forget(),
        }
        self.changed.notify_waiters();
    }

    /// Sets how much of the revocations is known. A lost connection changes nothing: records that were read
    /// stay valid.
    pub fn mark_revocations(&self, known: Revocations) {
        self.revocations.store(known as u8, Ordering::Release);
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
    pub fn has_all_revocations(&self) -> bool {
        self.revocations() == Revocations::Known
    }

    /// Whether a token can be judged with these keys. A sidecar that is stopping still can. Without a role map it
    /// decides only the policies that require neither a role nor a permission.
    pub fn can_decide(&self, keys: &KeyGeneration) -> bool {
        keys.are_known() && self.has_all_revocations()
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
        let (code, detail) = match self.revocations() {
            _ if self.draining.load(Ordering::Acquire) => return Some(NotReadyReason::DRAINING),
            _ if !self.keys.current().are_known() => {
                ("keys", "No usable key of the issuer is known yet; see the log.")
            }
            Revocations::Known if self.roles.is_known() => return None,
            Revocations::Known => (
                "role_map",
                "The role map is missing, unreadable or of an unknown format. \
                 The log of this sidecar has the cause.",
            ),
            Revocations::Unread => {
                ("revocations_unread", "The revocation log has not been read completely yet.")
            }
            Revocations::Incomplete => (
                "revocations_incomplete",
                "The revocation log has lost records, or has records of an unknown format. \
                 After an upgrade of admin, upgrade this sidecar; otherwise restart the leading admin.",
            ),
            Revocations::Old => (
                "revocations_old",
                "The revocation log has an earlier epoch than one already read. \
                 If PostgreSQL was restored from a backup, restart this sidecar.",
            ),
        };
        Some(NotReadyReason { code, detail })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn can_decide(known: &Knowledge) -> bool {
        known.can_decide(&known.keys.current())
    }

    fn is_missing(known: &Knowledge) -> Option<&'static str> {
        known.missing().map(|reason| reason.code)
    }

    fn install_keys(known: &Knowledge) {
        known.install_keys(KeySet::default());
    }

    fn set_role_map(known: &Knowledge, is_known: bool) {
        known.set_role_map(is_known.then(RoleMap::default));
    }

    #[test]
    fn both_keys_and_revocations_are_needed() {
        let known = Knowledge::new(5);
        assert!(!can_decide(&known));
        install_keys(&known);
        assert!(!can_decide(&known));
        known.mark_revocations(Revocations::Known);
        assert!(can_decide(&known));
        set_role_map(&known, true);
        assert_eq!(known.missing(), None);
    }

    #[tokio::test]
    async fn a_waiter_is_woken_when_nothing_is_missing_whatever_comes_last() {
        let steps: [fn(&Knowledge); 3] = [
            install_keys,
            |known| known.mark_revocations(Revocations::Known),
            |known| set_role_map(known, true),
        ];
        for last in 0..steps.len() {
            let known = Arc::new(Knowledge::new(5));
            let waiting = tokio::spawn({
                let known = Arc::clone(&known);
                async move { known.complete().await }
            });
            for step in steps.iter().enumerate().filter(|(number, _)| *number != last) {
                step.1(&known);
                tokio::task::yield_now().await;
            }
            assert!(!waiting.is_finished());
            steps[last](&known);
            waiting.await.unwrap();
        }
    }

    #[test]
    fn without_a_role_map_tokens_are_judged_but_the_sidecar_is_not_ready() {
        let known = Knowledge::new(5);
        install_keys(&known);
        known.mark_revocations(Revocations::Known);
        assert!(can_decide(&known) && is_missing(&known) == Some("role_map"));
        set_role_map(&known, true);
        assert_eq!(known.missing(), None);
        set_role_map(&known, false);
        assert!(can_decide(&known) && known.missing().is_some());
    }

    #[test]
    fn a_stopping_sidecar_decides_but_wants_no_more() {
        let known = Knowledge::new(5);
        install_keys(&known);
        known.mark_revocations(Revocations::Known);
        known.mark_draining();
        assert!(can_decide(&known));
        assert_eq!(is_missing(&known), Some("draining"));
    }

    #[test]
    fn nothing_is_decided_unless_all_revocations_are_known() {
        let known = Knowledge::new(5);
        install_keys(&known);
        for part in [Revocations::Unread, Revocations::Incomplete, Revocations::Old] {
            known.mark_revocations(Revocations::Known);
            assert!(can_decide(&known));
            known.mark_revocations(part);
            assert_eq!(known.revocations(), part);
            assert!(
                !can_decide(&known) && known.missing().is_some_and(|why| why.code.starts_with("revocations"))
            );
        }
    }
}
