//! A new password in a form with other errors: it is judged all the same, so that all errors are reported in one round.

use crate::api::{Findings, Problem, Request};
use crate::guessing::LimitedRoute;
use crate::passwords::Password;
use crate::permit::{HashPermit, Tried};

use super::add_weaknesses;

/// The body of a form whose new password is in `field`, with its errors.
///
/// A form without another error is judged later, together with what its account says about the owner. Judging costs work, which
/// counts for the client as for any attempt at `route`.
///
/// # Errors
///
/// 422 with all fields; 429 `too_many_attempts`; 503.
pub(crate) async fn finish_form<T>(
    request: &Request,
    (route, field): (LimitedRoute, &str),
    (body, mut found): (Option<T>, Findings),
    new: Option<Password>,
) -> Result<T, Problem> {
    let Some(new) = new else { return found.finish(body) };
    let weaknesses = new.form_weaknesses(request.context.config.password_min);
    let is_judged = weaknesses.is_empty() && !found.is_empty();
    add_weaknesses(&mut found, field, weaknesses);
    if !is_judged {
        return found.finish(body);
    }
    let tried = Tried { route, identifier: "", session: &[], account: None };
    let permit = HashPermit::take(&request.context, &request.actor(), tried).await?;
    add_weaknesses(&mut found, field, permit.judge(&new, Vec::new()).await?);
    permit.spent().await;
    found.finish(body)
}
