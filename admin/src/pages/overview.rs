//! `/account/`: who the viewer is, what the account has, and what happened to it.

use askama::Template;
use http::StatusCode;

use super::frame::{Frame, respond};
use super::paths;
use super::texts::fill;
use super::visit::Visit;
use crate::api::{Form, Problem, Response};
use crate::me::object_recovery;
use crate::moments::{day, moment};
use crate::notices::store as notices;
use crate::roles::assignments;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    name: String,
    email: Option<String>,
    is_verified: bool,
    needs_email: bool,
    member_since: String,
    /// When another person gets the account, unless the viewer objects.
    recovery: Option<String>,
    roles: Vec<ShownRole>,
    notices: Vec<ShownNotice>,
}

/// A role, and until when.
struct ShownRole {
    title: String,
    end: String,
}

/// Something that happened.
struct ShownNotice {
    what: String,
    when: String,
    /// The browser, the system and the network, as far as they are known.
    from: String,
}

/// How many notices are shown.
const MOST_NOTICES: usize = 8;

/// Leads to the page.
///
/// # Errors
///
/// None.
pub async fn redirect(visit: Visit) -> Result<Response, Problem> {
    Ok(visit.redirect(paths::OVERVIEW))
}

/// Shows the page.
///
/// # Errors
///
/// 401; 503.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    let (t, viewer) = (visit.texts(), visit.signed_in()?);
    let profile = &viewer.profile;
    let connection = visit.request.context.db.get().await?;
    let held = assignments::of_user(&connection, viewer.user()).await?;
    let recorded = notices::of_user(&connection, viewer.user()).await?;
    drop(connection);
    let title_of = |name: &str| {
        let role = profile.roles.iter().find(|role| role.name == name);
        role.and_then(|role| role.title.clone()).unwrap_or_else(|| name.to_owned())
    };
    let roles = held.iter().map(|role| ShownRole {
        title: title_of(role.role.as_str()),
        end: role
            .expires_at
            .map_or_else(|| t.role_forever.to_owned(), |end| fill(t.role_until, &day(end, visit.language))),
    });
    let template = OverviewPage {
        name: viewer.shown().to_owned(),
        email: profile.email.clone(),
        is_verified: profile.email_verified,
        needs_email: profile.needs_email,
        member_since: day(profile.created_at, visit.language),
        recovery: profile.recovery_at.map(|at| fill(t.recovery_text, &day(at, visit.language))),
        roles: roles.collect(),
        notices: recorded.into_iter().take(MOST_NOTICES).map(|notice| shown(&visit, &notice)).collect(),
        frame: Frame::of(&visit, t.overview_title),
    };
    Ok(respond(StatusCode::OK, &template))
}

fn shown(visit: &Visit, notice: &notices::RecordedNotice) -> ShownNotice {
    let network = notice.network.map(crate::mail::shown_network);
    let parts = [notice.provider.clone(), notice.software.shown(), network];
    ShownNotice {
        what: visit.texts().codes.notice(&notice.kind).to_owned(),
        when: moment(notice.occurred_at, visit.language),
        from: parts.into_iter().flatten().collect::<Vec<_>>().join(" · "),
    }
}

/// Objects to the recovery of the account.
///
/// # Errors
///
/// 404 when there is none; 401; 503.
pub async fn object(visit: Visit) -> Result<Response, Problem> {
    let _objected = object_recovery::handle(visit.with(Form::default())).await?;
    Ok(visit.redirect_done(paths::OVERVIEW, "objected"))
}
