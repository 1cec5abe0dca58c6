//! `/account/security`: the ways in which the viewer signs in, and where each of them is changed.

use askama::Template;
use http::StatusCode;

use super::assets::mark_of;
use super::frame::{Frame, respond};
use super::texts::fill;
use super::visit::Visit;
use crate::api::{Problem, Response};
use crate::moments::day;
use crate::provider_sign_in::accounts::list::Accounts;

#[derive(Template)]
#[template(path = "security.html")]
struct SecurityPage {
    frame: Frame,
    has_password: bool,
    email: Option<String>,
    is_verified: bool,
    login: Option<String>,
    linked: Vec<ShownAccount>,
    /// Those that can be linked: their names in paths, their marks, and the texts of their buttons.
    others: Vec<(String, &'static str, String)>,
}

/// A linked account.
struct ShownAccount {
    provider: String,
    mark: &'static str,
    name: String,
    /// Who the user is there.
    who: String,
    since: String,
    unlink: String,
}

/// Shows the page.
///
/// # Errors
///
/// 401; 503.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    let (t, viewer) = (visit.texts(), visit.signed_in()?);
    let context = &visit.request.context;
    let connection = context.db.get().await?;
    let accounts = Accounts::of(context, &connection, viewer.user()).await?;
    drop(connection);
    let day_of = |at| day(at, visit.language);
    let linked = accounts.items.iter().map(|account| ShownAccount {
        provider: account.provider.clone(),
        mark: mark_of(&account.provider),
        name: account.name.clone(),
        who: account.display_name.clone().or_else(|| account.email.clone()).unwrap_or_default(),
        since: match account.last_login_at {
            Some(last) => fill(t.account_last, &day_of(last)),
            None => fill(t.account_since, &day_of(account.linked_at)),
        },
        unlink: fill(t.account_unlink, &account.name),
    });
    let linked: Vec<_> = linked.collect();
    let is_new = |id: &str| linked.iter().all(|account| account.provider != id);
    let others = context.providers.iter().filter(|provider| is_new(provider.id()));
    let others = others.map(|provider| {
        (provider.id().to_owned(), mark_of(provider.id()), fill(t.account_link, provider.name()))
    });
    let template = SecurityPage {
        has_password: viewer.profile.has_password,
        email: viewer.profile.email.clone(),
        is_verified: viewer.profile.email_verified,
        login: viewer.profile.login.clone(),
        others: others.collect(),
        linked,
        frame: Frame::of(&visit, t.security_title),
    };
    Ok(respond(StatusCode::OK, &template))
}
