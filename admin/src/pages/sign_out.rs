//! `/account/sign-out`: the button in the head of every page.

use super::paths;
use super::visit::Visit;
use crate::api::{Form, Problem, Response, SessionCookies};
use crate::sessions::logout;

/// Ends the session.
///
/// # Errors
///
/// 503.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    let _ended = logout::handle(visit.with(Form::default())).await?;
    visit.jar.add_session(&SessionCookies::Clear);
    Ok(visit.redirect_done(paths::SIGN_IN, "signed_out"))
}
