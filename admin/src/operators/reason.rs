//! The reason that an operator gives, for the audit log.

use crate::api::text::text_type;

/// The longest reason, in characters.
const MOST: usize = 500;

text_type!(
    /// Why an operator does something.
    pub(super) OperatorReason, reason
);

fn reason(text: &str) -> Result<String, &'static str> {
    match (1..=MOST).contains(&text.chars().count()) {
        true => Ok(text.to_owned()),
        false => Err("Must have 1 to 500 characters."),
    }
}
