//! `/account/sessions`: where the account is signed in.

use askama::Template;
use http::StatusCode;

use super::frame::{Frame, respond};
use super::paths;
use super::texts::fill;
use super::visit::Visit;
use crate::api::{Form, Problem, Response, SessionCookies};
use crate::mail::Software;
use crate::moments::moment;
use crate::sessions::list::{SessionItem, Sessions};
use crate::sessions::{end, logout_all};

#[derive(Template)]
#[template(path = "sessions.html")]
struct SessionsPage {
    frame: Frame,
    sessions: Vec<ShownSession>,
}

/// A session.
pub(super) struct ShownSession {
    pub(super) id: String,
    pub(super) is_current: bool,
    pub(super) device: String,
    pub(super) details: String,
}

impl ShownSession {
    /// A session, in the language of the visit.
    pub(super) fn of(visit: &Visit, session: SessionItem) -> Self {
        let t = visit.texts();
        let software = Software::of(session.user_agent.as_deref()).shown();
        let parts = [session.device_name, software].into_iter().flatten().collect::<Vec<_>>().join(" · ");
        let network = session.address.map(|address| format!("{} {address}", t.session_network));
        let since = fill(t.session_since, &moment(session.created_at, visit.language));
        let last = fill(t.session_last, &moment(session.last_used_at, visit.language));
        Self {
            id: session.session_id.to_string(),
            is_current: session.current,
            device: if parts.is_empty() { t.session_unknown_device.to_owned() } else { parts },
            details: [Some(since), Some(last), network].into_iter().flatten().collect::<Vec<_>>().join(" · "),
        }
    }
}

const PATH: &str = "/account/sessions";

/// Shows the sessions.
///
/// # Errors
///
/// 401; 503.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    let (t, viewer) = (visit.texts(), visit.signed_in()?);
    let connection = visit.request.context.db.get().await?;
    let listed = Sessions::of(&connection, viewer.user(), viewer.caller.session).await?;
    drop(connection);
    let shown = listed.items.into_iter().map(|session| ShownSession::of(&visit, session));
    let template = SessionsPage { sessions: shown.collect(), frame: Frame::of(&visit, t.sessions_title) };
    Ok(respond(StatusCode::OK, &template))
}

/// Leads to the page.
///
/// # Errors
///
/// None.
pub async fn redirect(visit: Visit) -> Result<Response, Problem> {
    Ok(visit.redirect(PATH))
}

/// Ends one session. One that has ended meanwhile is no problem.
///
/// # Errors
///
/// 401; 404; 503.
pub async fn end_one(visit: Visit) -> Result<Response, Problem> {
    let viewer = visit.signed_in()?;
    let id = visit.fields.text("session");
    let _ended = end::handle(visit.with(Form::default()).with_param("sid", id)).await?;
    if viewer.caller.session.to_string() == id {
        visit.jar.add_session(&SessionCookies::Clear);
        return Ok(visit.redirect_done(paths::SIGN_IN, "signed_out"));
    }
    Ok(visit.redirect_done(PATH, "session_revoked"))
}

/// Ends all other sessions.
///
/// # Errors
///
/// 401; 503.
pub async fn end_others(visit: Visit) -> Result<Response, Problem> {
    let ended = logout_all::end_all(&visit.request.context, &visit.request.actor(), true).await?;
    ended.pair.iter().for_each(|pair| visit.keep(pair));
    Ok(visit.redirect_done(PATH, "others_revoked"))
}
