//! The knowledge of the sidecar: the parts of a decision that change while it runs, and whether they are enough to decide.

use std::sync::atomic::{AtomicBool, Ordering};

use runtime::ops::NotReadyReason;
use shared::role_map::RoleMap;
use shared::token::KeySet;
use tokio::sync::Notify;

use crate::freshness::{Freshness, Moment, SidecarState};
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
    /// Since when every revocation is known.
    pub freshness: Freshness,
    draining: AtomicBool,
    /// Notified whenever another field changes.
    changed: Notify,
}

impl Knowledge {
    /// Nothing is known yet. Records are kept `leeway` seconds longer than their expiry.
    pub fn new(leeway: u64) -> Self {
        Self {
            keys: IssuerKeys::default(),
            revoked: Revoked::new(leeway),
            roles: CurrentRoleMap::default(),
            freshness: Freshness::default(),
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

    /// Everything that was committed before `since` has been applied. Only one task may certify.
    pub fn certify(&self, since: Moment) {
        let was_cold = self.freshness.is_cold();
        self.freshness.certify(since);
        if was_cold {
            self.changed.notify_waiters();
        }
    }

    /// Whether the log of a relay of an earlier release has been read to its end.
    pub fn mark_uncertified(&self, is_read: bool) {
        self.freshness.mark_uncertified(is_read);
        self.changed.notify_waiters();
    }

    /// The sidecar is stopping and will accept no more connections.
    pub fn mark_draining(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether a token can be judged with these keys, however old the last certificate is: each policy says which age
    /// it accepts. A sidecar that is stopping still can. Without a role map it decides only the policies that require
    /// neither a role nor a permission.
    pub fn can_decide(&self, keys: &KeyGeneration) -> bool {
        keys.are_known() && !self.freshness.is_cold()
    }

    /// The state, as operators see it.
    pub fn state(&self) -> SidecarState {
        if self.draining.load(Ordering::Acquire) { SidecarState::Draining } else { self.freshness.state() }
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

    /// Why the sidecar must get no requests; `None` if it can serve them. A sidecar that is stale can: its policies say
    /// which requests.
    pub fn missing(&self) -> Option<NotReadyReason> {
        if self.draining.load(Ordering::Acquire) {
            return Some(NotReadyReason::DRAINING);
        }
        let (code, detail) = if !self.keys.current().are_known() {
            ("keys", "No usable key of the issuer is known yet; see the log.")
        } else if self.freshness.is_cold() {
            (
                "revocations_unread",
                "The revocation log has not been read to its end since the start, or it is incomplete, or no admin \
                 sends heartbeats. The log of this sidecar has the cause.",
            )
        } else if !self.roles.is_known() {
            (
                "role_map",
                "The role map is missing, unreadable or of an unknown format. \
                 The log of this sidecar has the cause.",
            )
        } else {
            return None;
        };
        Some(NotReadyReason { code, detail })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::*;

    const WALL: u64 = 1_800_000_000;

    fn certify(known: &Knowledge) {
        known.certify(Moment { at: Instant::now(), wall: WALL });
    }

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
        certify(&known);
        assert!(can_decide(&known));
        set_role_map(&known, true);
        assert_eq!(known.missing(), None);
    }

    #[tokio::test]
    async fn a_waiter_is_woken_when_nothing_is_missing_whatever_comes_last() {
        let steps: [fn(&Knowledge); 3] = [install_keys, certify, |known| set_role_map(known, true)];
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
        certify(&known);
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
        certify(&known);
        known.mark_draining();
        assert!(can_decide(&known));
        assert_eq!(is_missing(&known), Some("draining"));
    }

    #[test]
    fn a_certificate_that_has_become_old_leaves_the_decision_to_the_policies() {
        let known = Knowledge { freshness: Freshness::of_an_hour(), ..Knowledge::new(5) };
        install_keys(&known);
        assert_eq!((is_missing(&known), known.state()), (Some("revocations_unread"), SidecarState::Cold));
        set_role_map(&known, true);
        known.certify(Moment { at: Instant::now() - Duration::from_secs(10), wall: WALL });
        assert_eq!((is_missing(&known), known.state()), (None, SidecarState::Stale));
        assert!(can_decide(&known));
        known.mark_draining();
        assert_eq!(known.state(), SidecarState::Draining);
    }
}
