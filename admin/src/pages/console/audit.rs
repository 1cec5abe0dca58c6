//! `/console/audit`: the audit log, newest first.

use askama::Template;

use super::operator::OperatorVisit;
use super::requirement::Requirement;
use crate::access::Right;
use crate::api::{Problem, Response};
use crate::audit::AuditAction;
use crate::audit::list::{AuditItem, AuditLog, perform};
use crate::moments::moment;
use crate::pages::field::FormField;
use crate::pages::frame::{Frame, respond};
use crate::pages::problem::{status_of, with_problem};

#[derive(Template)]
#[template(path = "console/audit.html")]
struct AuditPage {
    frame: Frame,
    actions: Vec<(&'static str, &'static str)>,
    action: String,
    actor: FormField,
    target: FormField,
    since: FormField,
    entries: Vec<ShownAuditEntry>,
    next: Option<String>,
}

/// An entry.
struct ShownAuditEntry {
    seq: i64,
    when: String,
    what: String,
    by: String,
    on: String,
    detail: String,
}

const PATH: &str = "/console/audit";
const FILTERS: [&str; 3] = ["action", "actor", "target"];

/// Shows a page of the log. A form that only verifies it is shown again on its first page.
///
/// # Errors
///
/// 403; 401; 503. Invalid filters are shown beside their fields.
pub async fn show(operator: OperatorVisit) -> Result<Response, Problem> {
    operator.require(Requirement::Right(Right::AuditRead))?;
    match perform(&operator.asking(&["action", "actor", "target", "cursor"])).await {
        Ok(log) => Ok(page(&operator, log, None)),
        Err(problem) if problem.fields().next().is_some() => {
            Ok(page(&operator, AuditLog { items: Vec::new(), next_cursor: None }, Some(&problem)))
        }
        Err(problem) => Err(problem),
    }
}

fn page(operator: &OperatorVisit, log: AuditLog, problem: Option<&Problem>) -> Response {
    let (t, texts) = (operator.t(), operator.texts());
    let value = |name: &str| operator.query(name).unwrap_or_default();
    let field =
        |name, label| FormField::text(texts, name, label).optional().with_value(value(name)).judged(problem);
    let next = log.next_cursor.map(|cursor| {
        let sent = FILTERS.iter().filter_map(|name| Some((*name, operator.query(name)?)));
        let pairs = sent.chain([("cursor", cursor)]);
        format!(
            "{PATH}?{}",
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
        )
    });
    let template = AuditPage {
        actions: AuditAction::ALL.iter().map(|action| (action.name(), t.action(action.name()))).collect(),
        action: value("action"),
        actor: field("actor", t.audit_actor).hinted(t.audit_actor_hint),
        target: field("target", t.audit_target).hinted(t.audit_target_hint),
        since: FormField::text(texts, "since", t.verify_since)
            .optional()
            .hinted(t.verify_since_hint)
            .with_value(operator.fields.text("since")),
        entries: log.items.into_iter().map(|item| shown(operator, item)).collect(),
        next,
        frame: operator.frame(t.audit_title).with_problem(problem),
    };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}

fn shown(operator: &OperatorVisit, item: AuditItem) -> ShownAuditEntry {
    let t = operator.t();
    let actor = item.actor_id.map_or(item.actor_kind, |id| id.to_string());
    let address = item.address.map(|address| address.to_string());
    let by = [Some(actor), address, item.request_id];
    let detail = if item.detail.as_object().is_some_and(serde_json::Map::is_empty) {
        String::new()
    } else {
        item.detail.to_string()
    };
    ShownAuditEntry {
        seq: item.seq,
        when: moment(item.occurred_at, operator.language),
        what: t.action(&item.action).to_owned(),
        by: by.into_iter().flatten().collect::<Vec<_>>().join(" · "),
        on: format!("{} {}", item.target_kind, item.target_id),
        detail,
    }
}
