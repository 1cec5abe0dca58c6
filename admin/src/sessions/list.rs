//! `GET /api/v1/me/sessions`: where the caller is signed in.

use std::net::IpAddr;

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Row;
use uuid::Uuid;

use super::store;
use crate::access::caller;
use crate::api::{Problem, Request, Response};
use crate::db::DbError;

/// Nobody looks through more.
const MOST: i64 = 200;

#[derive(Serialize)]
struct Sessions {
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    session_id: Uuid,
    /// Whether it is the one that asks.
    current: bool,
    client_id: String,
    created_at: Timestamp,
    last_used_at: Timestamp,
    expires_at: Timestamp,
    amr: Vec<String>,
    address: Option<IpAddr>,
    user_agent: Option<String>,
    device_name: Option<String>,
}

/// Answers the request.
///
/// # Errors
///
/// 401 as every call with an access token; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let caller = caller(&request).await?;
    let connection = request.context.db.get().await?;
    let rows = store::list(&connection, caller.user, MOST).await?;
    let items = rows.iter().map(|row| item(row, caller.session)).collect::<Result<_, DbError>>()?;
    Ok(Response::json(StatusCode::OK, &Sessions { items }))
}

fn item(row: &Row, current: Uuid) -> Result<Item, DbError> {
    let session_id: Uuid = row.try_get("id")?;
    Ok(Item {
        session_id,
        current: session_id == current,
        client_id: row.try_get("client_id")?,
        created_at: row.try_get("created_at")?,
        last_used_at: row.try_get("last_used_at")?,
        expires_at: row.try_get("expires_at")?,
        amr: row.try_get("amr")?,
        address: row.try_get("address")?,
        user_agent: row.try_get("user_agent")?,
        device_name: row.try_get("device_name")?,
    })
}
