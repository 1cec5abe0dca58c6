//! The personal fields of a row: the seal covers a commitment to each, so that the field can be erased.

use aws_lc_rs::{constant_time, hmac};

/// The name of a personal field, as part of its commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PersonalField {
    Address,
    Texts,
}

/// What binds a row to the value of a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Commitment {
    /// The key; gone when the field was erased.
    pub(super) salt: Option<Vec<u8>>,
    /// The HMAC; `None` if the row never had the field.
    pub(super) digest: Option<Vec<u8>>,
}

/// How a stored field agrees with its commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldState {
    /// The value is the one that was written, or none was.
    Right,
    /// The value was erased.
    Erased,
    /// The value was changed.
    Wrong,
}

/// Unpredictable bytes of one transaction, from which the salts of its rows are made.
pub(super) struct Entropy(hmac::Key);

impl Entropy {
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    fn salt(&self, seq: i64, field: PersonalField) -> Vec<u8> {
        let name = [field.name(), &seq.to_be_bytes()].concat();
        hmac::sign(&self.0, &name).as_ref().to_vec()
    }
}

impl PersonalField {
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Address => b"address",
            Self::Texts => b"texts",
        }
    }

    /// The commitment of row `seq` to `value`.
    pub(super) fn commit(self, entropy: &Entropy, seq: i64, value: Option<&str>) -> Commitment {
        let Some(value) = value else { return Commitment::default() };
        let salt = entropy.salt(seq, self);
        let digest = self.digest(&salt, value).as_ref().to_vec();
        Commitment { salt: Some(salt), digest: Some(digest) }
    }

    fn digest(self, salt: &[u8], value: &str) -> hmac::Tag {
        let key = hmac::Key::new(hmac::HMAC_SHA256, salt);
        hmac::sign(&key, &[self.name(), &[0], value.as_bytes()].concat())
    }

    /// Whether the stored `value` is the one of the commitment.
    pub(super) fn check(self, commitment: &Commitment, value: Option<&str>) -> FieldState {
        match (value, &commitment.salt, &commitment.digest) {
            (None, None, None) => FieldState::Right,
            (None, None, Some(_)) => FieldState::Erased,
            (Some(value), Some(salt), Some(digest)) => {
                let right = self.digest(salt, value);
                match constant_time::verify_slices_are_equal(right.as_ref(), digest) {
                    Ok(()) => FieldState::Right,
                    Err(_) => FieldState::Wrong,
                }
            }
            (None, Some(_), _) | (Some(_), None, _) | (Some(_), Some(_), None) => FieldState::Wrong,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_commitment_is_to_one_value_of_one_field(seed: [u8; 32], seq: i64, value: String, other: String) {
            let entropy = Entropy::new(&seed);
            let made = PersonalField::Texts.commit(&entropy, seq, Some(&value));
            prop_assert_eq!(PersonalField::Texts.check(&made, Some(&value)), FieldState::Right);
            prop_assert_eq!(PersonalField::Address.check(&made, Some(&value)), FieldState::Wrong);
            if other != value {
                prop_assert_eq!(PersonalField::Texts.check(&made, Some(&other)), FieldState::Wrong);
            }
        }

        #[test]
        fn an_erased_field_is_neither_right_nor_wrong(seed: [u8; 32], seq: i64, value: String) {
            let made = PersonalField::Address.commit(&Entropy::new(&seed), seq, Some(&value));
            let erased = Commitment { salt: None, ..made.clone() };
            prop_assert_eq!(PersonalField::Address.check(&erased, None), FieldState::Erased);
            // A value without its salt, or a salt without its value, was not written so by this service.
            prop_assert_eq!(PersonalField::Address.check(&erased, Some(&value)), FieldState::Wrong);
            prop_assert_eq!(PersonalField::Address.check(&made, None), FieldState::Wrong);
        }
    }

    #[test]
    fn no_two_fields_of_a_transaction_have_one_salt() {
        let entropy = Entropy::new(&[7; 32]);
        let salts = [(1, PersonalField::Address), (1, PersonalField::Texts), (2, PersonalField::Address)]
            .map(|(seq, field)| entropy.salt(seq, field));
        assert!(salts[0] != salts[1] && salts[0] != salts[2]);
        assert_eq!(PersonalField::Texts.commit(&entropy, 1, None), Commitment::default());
    }
}
