//! The separate tick by which a new user consents, where the operator asks for it. Nothing is chosen for the user.

use super::field::{FormField, focus};
use super::texts::Texts;
use super::visit::Visit;
use crate::api::{Code, Problem};

/// The name of the field.
pub(super) const FIELD: &str = "consent";

/// The tick, where there is one.
pub(super) struct ConsentTick {
    pub(super) version: String,
    pub(super) text: &'static str,
    pub(super) error: Option<&'static str>,
    pub(super) is_ticked: bool,
}

impl ConsentTick {
    pub(super) fn of(visit: &Visit, t: &'static Texts, problem: Option<&Problem>) -> Option<Self> {
        let version = visit.request.context.config.consent.as_ref()?.as_str().to_owned();
        let is_missing = problem.is_some_and(|problem| problem.code() == Code::ConsentRequired);
        let is_ticked = visit.fields.text(FIELD) == version;
        Some(Self {
            version,
            text: t.consent,
            error: is_missing.then(|| t.codes.problem(Code::ConsentRequired)),
            is_ticked,
        })
    }
}

/// Puts the focus on the tick if it is what is missing, or else as [`focus`] does.
pub(super) fn focus_unless(consent: Option<&ConsentTick>, fields: &mut [&mut FormField]) {
    if consent.is_none_or(|consent| consent.error.is_none()) {
        focus(fields);
    }
}
