//! What the pages have in common that links in mails open. A GET changes nothing: mail scanners open links.
//!
//! The token is in the fragment of the link, which browsers send to no server: no log of a proxy, of nginx or of this service
//! can have it, and neither can `Referer`. The script of the pages moves it into the form and out of the address bar; without
//! scripts the page has a field into which the user pastes it.

use super::field::FormField;
use super::visit::Visit;
use crate::api::{Code, Problem};

/// The name of the field.
pub(super) const FIELD: &str = "token";

/// The field of the token, with the one that was sent: its link is no longer in the address bar then.
pub(super) fn field(visit: &Visit, problem: Option<&Problem>) -> FormField {
    let t = visit.texts();
    let field = FormField::text(t, FIELD, t.link_token).hinted(t.link_token_hint).with_value(token(visit));
    match problem {
        Some(refused) if is_about_token(refused) && !token(visit).is_empty() => {
            field.wrong(t.codes.problem(refused.code()))
        }
        Some(_) | None => field.judged(problem),
    }
}

/// The name under which a password manager saves the new password: a link does not say whose it is.
pub(super) fn user_name(visit: &Visit) -> FormField {
    let t = visit.texts();
    let field = FormField::text(t, "username", t.name_or_email).filled_in_as("username");
    field.hinted(t.user_name_hint).optional().with_value(visit.fields.text("username"))
}

/// The token that was sent. Mail programs may add spaces around what is copied.
pub(super) fn token(visit: &Visit) -> &str {
    visit.fields.text(FIELD).trim()
}

/// Whether it need not be shown, because it was sent before. One that was refused is shown, so that a mistake can be corrected.
pub(super) fn is_known(visit: &Visit, problem: Option<&Problem>) -> bool {
    !token(visit).is_empty() && !problem.is_some_and(is_about_token)
}

fn is_about_token(problem: &Problem) -> bool {
    let is_refused = matches!(problem.code(), Code::CodeExpired | Code::CodeWrong);
    is_refused || problem.fields().any(|(name, _)| name == FIELD)
}
