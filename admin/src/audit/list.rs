//! `GET /api/v1/admin/audit`: the audit log, newest first.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::Object;
use uuid::Uuid;

use super::entry::{AuditAction, Target};
use super::seal::AuditRow;
use super::store::{self, AuditFilter};
use crate::access::{Right, allowed};
use crate::api::schema::one_of;
use crate::api::{
    Access, Code, Operation, Problem, Query, Request, Response, Shape, canonical, one_more, page,
};
use crate::context::Core;
use crate::db::DbError;

/// The cursors that the pattern in the document allows, far more than there can be rows.
const CURSORS: RangeInclusive<i64> = 1..=999_999_999_999_999_999;

/// The longest `target` filter, in characters; no stored target is longer.
const MAX_TARGET: usize = 128;

/// A page of the audit log, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditLog)]
pub(crate) struct AuditLog {
    pub(crate) items: Vec<AuditItem>,
    /// Pass it as `cursor` to get the next page; null on the last page.
    #[schema(required)]
    pub(crate) next_cursor: Option<String>,
}

/// An action: who did what, to which object, when and from where.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct AuditItem {
    /// The row number, from 1, without gaps.
    pub(crate) seq: i64,
    pub(crate) occurred_at: Timestamp,
    #[schema(schema_with = actor_kind_schema)]
    pub(crate) actor_kind: String,
    /// The user who acted.
    #[schema(required)]
    pub(crate) actor_id: Option<Uuid>,
    #[schema(schema_with = action_schema)]
    pub(crate) action: String,
    #[schema(schema_with = target_kind_schema)]
    pub(crate) target_kind: String,
    pub(crate) target_id: String,
    /// Further facts; the members depend on the action. What a person wrote, such as `reason`, is missing after the
    /// erasure of the user.
    #[schema(value_type = Object)]
    pub(crate) detail: Value,
    #[schema(value_type = Option<String>, required)]
    pub(crate) address: Option<IpAddr>,
    #[schema(required)]
    pub(crate) request_id: Option<String>,
}

fn actor_kind_schema() -> Object {
    let description = "A user, a command run by an operator, or this service by itself.";
    one_of(["user", "command", "service"], description)
}

fn action_schema() -> Object {
    one_of(AuditAction::ALL.iter().map(|action| action.name()), "The action. Later versions may add actions.")
}

fn target_kind_schema() -> Object {
    one_of(Target::ALL.iter().map(|target| target.name()), "The kind of object.")
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    let actions: Vec<&str> = AuditAction::ALL.iter().map(|action| action.name()).collect();
    let item = json!({
        "seq": 7,
        "occurred_at": "2026-11-25T20:15:30.123456Z",
        "actor_kind": "user",
        "actor_id": "0193a1af-e27c-7d7e-8f9a-0b1c2d3e4f5a",
        "action": "role_taken",
        "target_kind": "user",
        "target_id": "0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b",
        "detail": { "role": "subscriber" },
        "address": "198.51.100.7",
        "request_id": "444535f9378a3dfa1b8604bc9e05a303"
    });
    operation
        .tag("Operators")
        .batch()
        .summary("List the audit log, newest first.")
        .detail("To find changed, removed or moved rows, run `admin audit verify`.")
        .access(Access::Permission(Right::AuditRead.as_str()))
        .query("actor", "Only actions of this user.", Shape::uuid("0193a1af-e27c-7d7e-8f9a-0b1c2d3e4f5a"))
        .query("action", "Only this action.", Shape::one_of(&actions))
        .query(
            "target",
            "Only actions on this user, role, key, deployment or route.",
            Shape::text("0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b").length(1..=128),
        )
        .query("limit", "The highest number of entries on the page.", Shape::integer(1..=100, 20).default(20))
        .query(
            "cursor",
            "`next_cursor` of the previous page, unchanged.",
            Shape::text("8").pattern("^[1-9][0-9]{0,17}$"),
        )
        .answer::<AuditLog>(200, "A page.", json!({ "items": [item], "next_cursor": null }))
        .problems(&[Code::ValidationFailed])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`; 422; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    Ok(Response::json(StatusCode::OK, &perform(&request).await?))
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(request: &Request) -> Result<AuditLog, Problem> {
    allowed(request, Right::AuditRead).await?;
    let mut query = Query::read(request, &["actor", "action", "target", "limit", "cursor"]);
    let filter = AuditFilter::read(&mut query);
    let limit = query.limit();
    let before = query.cursor(|text| canonical(text, &CURSORS));
    query.finish()?;
    let connection = request.context.db.get().await?;
    let rows = store::page(&connection, &filter, before, one_more(limit)).await?;
    let (rows, next_cursor) = page(rows, limit, |row| row.seq.to_string());
    let items = rows.into_iter().map(AuditItem::from).collect();
    Ok(AuditLog { items, next_cursor })
}

/// The newest entries of this action and target, for a command.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn newest(
    core: &Core,
    action: Option<AuditAction>,
    target: Option<String>,
    limit: u32,
) -> Result<Vec<AuditItem>, DbError> {
    let action = action.map(|action| action.name().to_owned());
    let filter = AuditFilter { actor: None, action, target };
    let rows = store::page(&core.db.get().await?, &filter, None, limit.into()).await?;
    Ok(rows.into_iter().map(AuditItem::from).collect())
}

impl AuditFilter {
    fn read(query: &mut Query) -> Self {
        let known = |text: &str| AuditAction::ALL.iter().find(|action| action.name() == text);
        let target = |text: &str| ((1..=MAX_TARGET).contains(&text.chars().count())).then(|| text.to_owned());
        Self {
            actor: query.value("actor"),
            action: query.parse("action", "Unknown action.", known).map(|action| action.name().to_owned()),
            target: query.parse("target", "`target` must be 1 to 128 characters.", target),
        }
    }
}

impl From<AuditRow> for AuditItem {
    fn from(row: AuditRow) -> Self {
        Self {
            seq: row.seq,
            occurred_at: row.occurred_at,
            actor_kind: row.actor_kind,
            actor_id: row.actor_id,
            action: row.action,
            target_kind: row.target_kind,
            target_id: row.target_id,
            detail: detail(&row.detail, row.texts.as_deref()),
            address: row.address,
            request_id: row.request_id,
        }
    }
}

/// The facts and the texts of a row in one object.
fn detail(facts: &str, texts: Option<&str>) -> Value {
    // A row that was written by hand may contain other JSON.
    let mut detail = shared::json::value(facts.as_bytes()).unwrap_or(Value::Null);
    let texts = texts.and_then(|texts| shared::json::value(texts.as_bytes()).ok());
    if let (Value::Object(detail), Some(Value::Object(texts))) = (&mut detail, texts) {
        detail.extend(texts);
    }
    detail
}
