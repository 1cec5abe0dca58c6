//! The reason that an operator gives, for the audit log.

use deserr::Deserr;
use utoipa::ToSchema;

use crate::api::Findings;
use crate::api::text::text_type;

/// The longest reason, in characters.
const MOST: usize = 500;

/// A body with nothing but the reason.
#[derive(Deserr, ToSchema)]
#[schema(as = ReasonedOrder)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
pub(super) struct Reasoned {
    /// For the audit log, until the user is erased.
    #[schema(value_type = String, min_length = 1, max_length = 500, pattern = "^[^\\x00]*[^\\x00\\t-\\r ][^\\x00]*$")]
    pub(super) reason: OperatorReason,
}

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
