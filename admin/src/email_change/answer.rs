//! What a user says about the account that has the address which they proved.

use crate::api::text::text_type;

text_type!(
    /// The same, as a client sends it.
    pub(super) AnswerText, known
);

/// What becomes of an account that has the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AddressAnswer {
    /// Nothing: the user is asked.
    Ask,
    /// It loses the address, which it never proved.
    Take,
    /// It gets the linked accounts of this one, which is erased.
    Move,
}

impl AddressAnswer {
    /// As a client sends it; any other text asks.
    pub(crate) fn of(text: Option<&str>) -> Self {
        match text {
            Some("new") => Self::Take,
            Some("move") => Self::Move,
            Some(_) | None => Self::Ask,
        }
    }
}

fn known(text: &str) -> Result<String, &'static str> {
    match AddressAnswer::of(Some(text)) {
        AddressAnswer::Ask => Err("Must be `new` or `move`."),
        AddressAnswer::Take | AddressAnswer::Move => Ok(text.to_owned()),
    }
}
