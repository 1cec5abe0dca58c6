//! `/console/system`: the signing keys, the mails that wait, and whether the identity providers respond.

use askama::Template;
use http::StatusCode;

use super::operator::OperatorVisit;
use crate::api::{Problem, Response};
use crate::db::Connection;
use crate::keys::{self, ListedKey};
use crate::moments::moment;
use crate::pages::frame::{Frame, respond};
use crate::pages::texts::fill;
use crate::providers::Provider;

#[derive(Template)]
#[template(path = "console/system.html")]
struct SystemPage {
    frame: Frame,
    is_superuser: bool,
    keys: Vec<ShownKey>,
    /// `None` if no mail is sent.
    outbox: Option<ShownOutbox>,
    providers: Vec<ShownProvider>,
}

/// A signing key.
struct ShownKey {
    kid: String,
    status: &'static str,
    since: String,
    can_be_killed: bool,
}

/// The mails that wait.
struct ShownOutbox {
    waiting: u64,
    oldest: String,
    is_full: bool,
}

/// An identity provider.
struct ShownProvider {
    id: String,
    name: String,
    state: String,
}

/// Shows the page.
///
/// # Errors
///
/// 403; 401; 503.
pub async fn show(operator: OperatorVisit) -> Result<Response, Problem> {
    let context = &operator.request.context;
    let connection = context.db.get().await?;
    let keys = keys::list(&connection).await?;
    let outbox = outbox(&operator, &connection).await?;
    drop(connection);
    let template = SystemPage {
        frame: operator.frame(operator.t().system_title),
        is_superuser: operator.rights.is_superuser,
        keys: keys.into_iter().map(|key| shown_key(&operator, key)).collect(),
        outbox,
        providers: context.providers.iter().map(|provider| shown_provider(&operator, provider)).collect(),
    };
    Ok(respond(StatusCode::OK, &template))
}

async fn outbox(operator: &OperatorVisit, connection: &Connection) -> Result<Option<ShownOutbox>, Problem> {
    let outbox = &operator.request.context.outbox;
    if !outbox.is_on() {
        return Ok(None);
    }
    let status = outbox.status(connection).await?;
    Ok(Some(ShownOutbox {
        waiting: status.waiting,
        oldest: format!("{:.0} {}", status.oldest_seconds, operator.texts().seconds),
        is_full: status.is_full,
    }))
}

fn shown_key(operator: &OperatorVisit, key: ListedKey) -> ShownKey {
    let t = operator.t();
    ShownKey {
        status: match key.status.as_str() {
            "next" => t.key_next,
            "active" => t.key_active,
            "retired" => t.key_retired,
            _ => t.key_killed,
        },
        can_be_killed: key.status != "killed",
        kid: key.kid,
        since: key.since.parse().map_or(key.since, |since| moment(since, operator.language)),
    }
}

fn shown_provider(operator: &OperatorVisit, provider: &Provider) -> ShownProvider {
    let t = operator.t();
    let state = provider.paused_for();
    ShownProvider {
        id: provider.id().to_owned(),
        name: provider.name().to_owned(),
        state: state.map_or_else(
            || t.provider_responds.to_owned(),
            |pause| fill(t.provider_paused, &pause.as_secs().saturating_add(1).to_string()),
        ),
    }
}
