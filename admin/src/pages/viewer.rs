//! Who is signed in, by the cookies of the session.

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::jar::Jar;
use crate::access::caller;
use crate::actor::Caller;
use crate::api::{Form, Problem, Request};
use crate::sessions::refresh;
use crate::users::profile::Profile;
use crate::users::profile::store::profile;

/// The signed-in user. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Viewer {
    pub(crate) caller: Caller,
    pub(crate) profile: Arc<Profile>,
}

/// What the cookies of a request say.
pub(super) struct FoundViewer {
    /// The request, sent for the viewer.
    pub(super) request: Request,
    pub(super) viewer: Option<Viewer>,
    /// Whether there was a session, which has ended.
    pub(super) has_ended: bool,
}

impl Viewer {
    pub(crate) fn user(&self) -> Uuid {
        self.caller.user
    }

    pub(crate) fn locale(&self) -> Option<&str> {
        self.profile.locale()
    }

    /// How the user is addressed.
    pub(crate) fn shown(&self) -> &str {
        self.profile.shown_name()
    }
}

/// Finds the user by the access token, or else by the refresh token, whose next pair is put into the jar.
///
/// # Errors
///
/// 503. A token that is no longer valid is no error: then no user is signed in.
pub(super) async fn find(request: &Request, jar: &Jar) -> Result<FoundViewer, Problem> {
    let nothing =
        || FoundViewer { request: request.of_page(Form::default(), None), viewer: None, has_ended: false };
    let tokens = jar.tokens();
    if let Some(access) = tokens.access
        && let Some(found) = with_access(request, access).await?
    {
        return Ok(found);
    }
    let Some(token) = tokens.refresh else { return Ok(nothing()) };
    let asked = request.of_page(Form::of_texts([("refresh_token", token.expose_secret())]), None);
    let pair = match refresh::perform(asked).await {
        Ok(renewed) => renewed.pair,
        // The cookies stay: another tab may have got the next ones meanwhile, and this response may arrive after those.
        Err(problem) if problem.code().status().as_u16() == 401 => {
            return Ok(FoundViewer { has_ended: true, ..nothing() });
        }
        Err(problem) => return Err(problem),
    };
    jar.add_pair(&pair);
    Ok(with_access(request, pair.access()).await?.unwrap_or_else(nothing))
}

/// The viewer by an access token; `None` if it is not valid.
async fn with_access(request: &Request, access: SecretString) -> Result<Option<FoundViewer>, Problem> {
    // A cookie is as long as the header that holds it, and a token is not.
    let request = request.of_page(Form::default(), Some(access.expose_secret().into()));
    let caller = match caller(&request).await {
        Ok(caller) => caller,
        Err(problem) if problem.code().status().as_u16() == 401 => return Ok(None),
        Err(problem) => return Err(problem),
    };
    let auth_time = Timestamp::from_second(i64::try_from(caller.auth_time()).unwrap_or(0));
    let connection = request.context.db.get().await?;
    let found = profile(&connection, caller.user, auth_time.unwrap_or(Timestamp::UNIX_EPOCH)).await?;
    drop(connection);
    let viewer = found.map(|profile| Viewer { caller, profile: Arc::new(profile) });
    Ok(viewer.map(|viewer| FoundViewer { request, viewer: Some(viewer), has_ended: false }))
}
