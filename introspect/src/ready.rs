//! Whether the sidecar knows enough to decide.

use std::sync::atomic::{AtomicBool, Ordering};

/// What has to be there before the first decision, and whether the last one is near.
#[derive(Debug, Default)]
pub struct Ready {
    keys: AtomicBool,
    revocations: AtomicBool,
    draining: AtomicBool,
}

impl Ready {
    /// A set of keys is there. Once there it stays: a failed refresh keeps the old one.
    pub fn keys_are_known(&self) {
        self.keys.store(true, Ordering::Release);
    }

    /// Whether the whole log has been read once, or that must happen anew. A lost connection is no reason
    /// to say otherwise: what was read stays true.
    pub fn set_revocations_known(&self, known: bool) {
        self.revocations.store(known, Ordering::Release);
    }

    /// Whether the whole log has been read once.
    pub fn revocations_are_known(&self) -> bool {
        self.revocations.load(Ordering::Acquire)
    }

    /// No more connections will be taken.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether a token can be judged. A sidecar that is stopping still can.
    pub fn can_decide(&self) -> bool {
        self.keys.load(Ordering::Acquire) && self.revocations_are_known()
    }

    /// What is missing, as a sentence; `None` when the sidecar wants requests.
    pub fn missing(&self) -> Option<&'static str> {
        if self.draining.load(Ordering::Acquire) {
            Some("stopping")
        } else if !self.keys.load(Ordering::Acquire) {
            Some("the issuer's keys are not known yet")
        } else if !self.revocations_are_known() {
            Some("the revocations have not been read yet")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_keys_and_revocations_are_needed() {
        let ready = Ready::default();
        assert!(!ready.can_decide());
        ready.keys_are_known();
        assert!(!ready.can_decide());
        ready.set_revocations_known(true);
        assert!(ready.can_decide());
        assert_eq!(ready.missing(), None);
    }

    #[test]
    fn a_stopping_sidecar_decides_but_wants_no_more() {
        let ready = Ready::default();
        ready.keys_are_known();
        ready.set_revocations_known(true);
        ready.drain();
        assert!(ready.can_decide());
        assert_eq!(ready.missing(), Some("stopping"));
    }
}
