//! `/console/sign-out`: the button in the head of every page.

use crate::api::{Form, Problem, Response, SessionCookies};
use crate::pages::paths;
use crate::pages::visit::Visit;
use crate::sessions::logout;

/// Ends the session.
///
/// # Errors
///
/// 503.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    let _ended = logout::handle(visit.with(Form::default())).await?;
    visit.jar.add_session(&SessionCookies::Clear);
    Ok(visit.redirect_done(paths::CONSOLE_SIGN_IN, "signed_out"))
}
