//! The reason that an operator gives, for the audit log.

use crate::api::text::text_type;

/// The longest reason, in characters.
const MOST: usize = 500;

text_type!(
    /// Why an operator does something.
    pub(super) OperatorReason, reason
);

/// A reason, without the spaces around it.
///
/// # Errors
///
/// What it must have.
pub(crate) fn reason(text: &str) -> Result<String, &'static str> {
    let trimmed = text.trim_matches(|letter| matches!(letter, '\t'..='\r' | ' '));
    match text.chars().count() <= MOST && !trimmed.is_empty() {
        true => Ok(trimmed.to_owned()),
        false => Err("Must have 1 to 500 characters, not only spaces."),
    }
}
