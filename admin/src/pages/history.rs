//! `/account/history`: sign-ins, and changes of what the viewer signs in with.

use askama::Template;
use http::StatusCode;

use super::frame::{Frame, respond};
use super::texts::fill;
use super::visit::Visit;
use crate::api::{Problem, Response};
use crate::mail::Software;
use crate::moments::moment;
use crate::sessions::history::list::{History, HistoryItem};

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage {
    frame: Frame,
    entries: Vec<ShownEntry>,
    older: Option<String>,
}

/// An entry.
pub(super) struct ShownEntry {
    pub(super) what: String,
    pub(super) when: String,
    pub(super) from: String,
}

impl ShownEntry {
    /// An entry, in the language of the visit.
    pub(super) fn of(visit: &Visit, item: HistoryItem) -> Self {
        let t = visit.texts();
        let software = Software::of(item.user_agent.as_deref()).shown();
        let address = item.address.map(|address| address.to_string());
        let attempts = (item.attempts > 1).then(|| fill(t.history_attempts, &item.attempts.to_string()));
        let from = [item.provider, software, address, attempts];
        Self {
            what: t.codes.event(&item.event).to_owned(),
            when: moment(item.occurred_at, visit.language),
            from: from.into_iter().flatten().collect::<Vec<_>>().join(" · "),
        }
    }
}

/// Shows a part of the history, the newest first.
///
/// # Errors
///
/// 401; 422 for an invalid cursor; 503.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    let (t, viewer) = (visit.texts(), visit.signed_in()?);
    let mut request = visit.request.clone();
    // Only what the history reads: the page has parameters of its own.
    request.query = visit.query("cursor").map(|cursor| format!("cursor={cursor}")).unwrap_or_default();
    let connection = request.context.db.get().await?;
    let history = History::asked_for(&request, &connection, viewer.user()).await?;
    drop(connection);
    let entries = history.items.into_iter().map(|item| ShownEntry::of(&visit, item));
    let frame = Frame::of(&visit, t.history_title);
    let template = HistoryPage { entries: entries.collect(), older: history.next_cursor, frame };
    Ok(respond(StatusCode::OK, &template))
}
