//! What an action on a user's account will do, in sentences and numbers.

use jiff::{SignedDuration, Timestamp};

use super::operator::OperatorVisit;
use super::person_action::PersonAction;
use crate::moments::day;
use crate::pages::texts::fill;

/// What is known of the account.
pub(super) struct PersonFacts {
    pub(super) name: String,
    pub(super) sessions: usize,
    pub(super) roles: usize,
    pub(super) accounts: usize,
}

/// The effects of `action`. Without the facts, which an operator may not have the right to, they have no numbers.
pub(super) fn effects(
    operator: &OperatorVisit,
    action: PersonAction,
    facts: Option<&PersonFacts>,
) -> Vec<String> {
    let t = operator.t();
    let number = |text: &str, count: fn(&PersonFacts) -> usize| {
        facts.map(|facts| fill(text, &count(facts).to_string()))
    };
    let sessions = || number(t.effect_sessions, |facts| facts.sessions);
    let roles = |text| number(text, |facts| facts.roles);
    let accounts = |text| number(text, |facts| facts.accounts);
    let sentence = |text: &str| Some(text.to_owned());
    let erased = || Some(fill(t.effect_erased, &erasure_day(operator)));
    let found = match action {
        PersonAction::Assign => vec![sentence(t.effect_assign)],
        PersonAction::Take => vec![sentence(t.effect_take)],
        PersonAction::SendReset => vec![sentence(t.effect_reset)],
        PersonAction::SetEmail => vec![sentence(t.effect_email), sessions()],
        PersonAction::Unlock => vec![sentence(t.effect_unlock)],
        PersonAction::Unfreeze => vec![sentence(t.effect_unfreeze)],
        PersonAction::Export => vec![sentence(t.effect_export)],
        PersonAction::Enable => vec![sentence(t.effect_enable)],
        PersonAction::EndSession => vec![Some(fill(t.effect_sessions, "1"))],
        PersonAction::EndSessions => vec![sessions(), sentence(t.effect_signs_in_again)],
        PersonAction::Evict => {
            vec![sessions(), sentence(t.effect_evict), accounts(t.effect_evict_accounts)]
        }
        PersonAction::Disable => vec![sessions(), sentence(t.effect_disable)],
        PersonAction::Merge => {
            vec![roles(t.effect_merge_roles), accounts(t.effect_merge_accounts), sessions(), erased()]
        }
        PersonAction::Erase => {
            vec![sessions(), roles(t.effect_erase_roles), accounts(t.effect_erase_accounts), erased()]
        }
        PersonAction::GiveSuperuser => vec![sentence(t.effect_make_superuser)],
        PersonAction::TakeSuperuser => vec![sentence(t.effect_take_superuser)],
    };
    found.into_iter().flatten().collect()
}

/// The day on which an account that is given up now is erased.
fn erasure_day(operator: &OperatorVisit) -> String {
    let context = &operator.request.context;
    let now = Timestamp::from_second(context.clock.unix_seconds().cast_signed()).unwrap_or_default();
    let grace = SignedDuration::try_from(context.config.retention.erasure_grace).unwrap_or_default();
    day(now.checked_add(grace).unwrap_or(Timestamp::MAX), operator.language)
}
