//! The flow of a user who proved to own an account that will be erased: valid for ten minutes.
//!
//! It is stored nowhere: it has the user, the erasure, the generation of tokens and its end, under an HMAC. So a device that
//! signs in again and again can neither void the flow of another one nor fill a table.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use uuid::Uuid;

use super::pending::PendingErasure;
use crate::keys::DerivedKeys;

/// How long a flow is valid, in seconds.
const LIFE: u64 = 600;

/// The length of the content: the user, three numbers.
const CONTENT: usize = 16 + 3 * 8;

const TAG: usize = 32;

/// The length of the text.
pub(crate) const FLOW_LENGTH: usize = (CONTENT + TAG) * 4 / 3;

/// The content of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ErasureFlow {
    pub(crate) user: Uuid,
    /// When the erasure was requested: whole microseconds, as PostgreSQL has them.
    pub(crate) requested_at: Timestamp,
    generation: u64,
    /// In seconds since 1970.
    expires_at: u64,
}

impl ErasureFlow {
    pub(super) fn begin(pending: &PendingErasure, now: u64) -> Self {
        Self {
            user: pending.user,
            requested_at: pending.requested_at,
            generation: pending.generation,
            expires_at: now.saturating_add(LIFE),
        }
    }

    /// The text for the client.
    pub(super) fn sealed(&self, keys: &DerivedKeys) -> String {
        let content = self.content();
        let key = keys.find(keys.current()).expect("the newest key is one of the keys");
        URL_SAFE_NO_PAD.encode([content.as_slice(), hmac::sign(key, &content).as_ref()].concat())
    }

    /// A flow that this service made and that is valid at `now`. Asks no store.
    pub(crate) fn open(text: &str, keys: &DerivedKeys, now: u64) -> Option<Self> {
        if text.len() != FLOW_LENGTH {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (content, tag) = bytes.split_first_chunk::<CONTENT>()?;
        keys.iter().find(|key| hmac::verify(key, content, tag).is_ok())?;
        let flow = Self::of_content(content)?;
        (now < flow.expires_at).then_some(flow)
    }

    /// Whether it is about this erasure.
    pub(crate) fn is_of(&self, pending: &PendingErasure) -> bool {
        (self.user, self.requested_at, self.generation)
            == (pending.user, pending.requested_at, pending.generation)
    }

    fn content(&self) -> [u8; CONTENT] {
        let mut content = [0; CONTENT];
        let numbers = [self.requested_at.as_microsecond().cast_unsigned(), self.generation, self.expires_at];
        let bytes =
            self.user.as_bytes().iter().copied().chain(numbers.into_iter().flat_map(u64::to_be_bytes));
        content.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        content
    }

    fn of_content(content: &[u8; CONTENT]) -> Option<Self> {
        let (user, rest) = content.split_first_chunk::<16>()?;
        let (requested_at, rest) = rest.split_first_chunk::<8>()?;
        let (generation, expires_at) = rest.split_first_chunk::<8>()?;
        Some(Self {
            user: Uuid::from_bytes(*user),
            requested_at: Timestamp::from_microsecond(i64::from_be_bytes(*requested_at)).ok()?,
            generation: u64::from_be_bytes(*generation),
            expires_at: u64::from_be_bytes(expires_at.try_into().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::MasterKeys;
    use crate::keys::KeyPurpose;

    fn keys() -> DerivedKeys {
        let masters = MasterKeys::parse("1:uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=").unwrap();
        DerivedKeys::derive(&masters, KeyPurpose::ErasureFlows)
    }

    fn pending() -> impl Strategy<Value = PendingErasure> {
        (any::<u128>(), 0..4_000_000_000_000_000_i64, any::<u64>()).prop_map(|(user, at, generation)| {
            let requested_at = Timestamp::from_microsecond(at).unwrap();
            PendingErasure {
                user: Uuid::from_u128(user),
                requested_at,
                due_at: requested_at,
                generation,
                is_superuser: false,
            }
        })
    }

    proptest! {
        #[test]
        fn a_flow_is_of_its_erasure_for_ten_minutes(pending in pending(), other in pending(), now in 0..u64::MAX - LIFE) {
            let text = ErasureFlow::begin(&pending, now).sealed(&keys());
            prop_assert_eq!(text.len(), FLOW_LENGTH);
            let flow = ErasureFlow::open(&text, &keys(), now + LIFE - 1).unwrap();
            prop_assert!(flow.is_of(&pending));
            prop_assert_eq!(flow.is_of(&other), PendingErasure { due_at: pending.due_at, ..other } == pending);
            prop_assert_eq!(ErasureFlow::open(&text, &keys(), now + LIFE), None);
        }

        #[test]
        fn a_changed_flow_is_refused(pending in pending(), at in 0..FLOW_LENGTH, letter in "[A-Za-z0-9_-]") {
            let text = ErasureFlow::begin(&pending, 0).sealed(&keys());
            let mut changed = text.clone();
            changed.replace_range(at..=at, &letter);
            prop_assert_eq!(ErasureFlow::open(&changed, &keys(), 1).is_some(), changed == text);
        }

        #[test]
        fn any_other_text_is_refused_without_panic(text: String) {
            prop_assert_eq!(ErasureFlow::open(&text, &keys(), 0), None);
        }
    }
}
