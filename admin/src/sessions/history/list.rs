//! `GET /api/v1/me/login-history`: the caller's login history, page by page.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::Object;
use uuid::Uuid;

use super::entry::Event;
use super::store::{self, RecordedEvent};
use crate::access::caller;
use crate::api::schema::one_of;
use crate::api::{Access, Code, Operation, PAGE, Problem, Query, Request, Response, Shape, one_more, page};
use crate::db::{Connection, DbError};

/// A page of a user's history, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = History)]
pub(crate) struct History {
    #[schema(max_items = 100)]
    pub(crate) items: Vec<HistoryItem>,
    /// Pass it as `cursor` to get the next page; null on the last page.
    #[schema(required)]
    pub(crate) next_cursor: Option<String>,
}

/// An event of an account.
#[derive(Serialize, ToSchema)]
#[schema(as = HistoryEntry)]
pub(crate) struct HistoryItem {
    #[schema(schema_with = event_schema)]
    pub(crate) event: String,
    pub(crate) occurred_at: Timestamp,
    #[schema(required)]
    pub(crate) session_id: Option<Uuid>,
    /// The IP address.
    #[schema(value_type = Option<String>, required)]
    pub(crate) address: Option<IpAddr>,
    #[schema(required, max_length = 512)]
    pub(crate) user_agent: Option<String>,
    /// How many attempts the entry stands for.
    #[schema(minimum = 1)]
    pub(crate) attempts: u32,
    /// The identity provider, if an eviction unlinked the account there.
    #[schema(required, max_length = 32)]
    pub(crate) provider: Option<String>,
    #[serde(skip)]
    pub(crate) id: Uuid,
}

fn event_schema() -> Object {
    one_of(Event::ALL.iter().map(|event| event.name()), "What happened. Later versions may add kinds.")
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    describe_pages(operation)
        .tag("Me")
        .summary("List the login history of your account, newest first.")
        .access(Access::SignedIn)
}

/// The detail text of all history endpoints.
pub(crate) fn describe_pages(operation: Operation) -> Operation {
    operation
        .detail("Sign-ins, sign-outs, failed attempts and credential changes.")
        .query(
            "cursor",
            "`next_cursor` of the previous page, unchanged.",
            Shape::text("AAZEEqB7nwABk6Gv4nx9fo-aCxwtPk9a").pattern("^[A-Za-z0-9_-]{32}$"),
        )
        .query("limit", "The highest number of entries on the page.", Shape::integer(1..=100, 20).default(20))
        .answer::<History>(200, "A page.", example())
        .problems(&[Code::ValidationFailed])
}

/// An example page.
pub(crate) fn example() -> Value {
    json!({
        "items": [{
            "event": "login",
            "occurred_at": "2026-11-25T20:15:30.123456Z",
            "session_id": "0193a1af-e27c-7d7e-8f9a-0b1c2d3e4f5a",
            "address": "198.51.100.7",
            "user_agent": "Film/1.0 (TV)",
            "attempts": 1,
            "provider": null
        }],
        "next_cursor": null
    })
}

/// The bounds of valid cursors: no entry lies outside them, and PostgreSQL cannot represent such times.
const MOMENTS: RangeInclusive<i64> = 0..=7_258_118_400_000_000;

/// The last entry of the previous page: its time to the microsecond, as stored, and its identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cursor {
    moment: Timestamp,
    id: Uuid,
}

/// Handles the request.
///
/// # Errors
///
/// 422 `validation_failed` for an invalid `cursor` or `limit`; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let caller = caller(&request).await?;
    let connection = request.context.db.get().await?;
    let page = History::asked_for(&request, &connection, caller.user).await?;
    Ok(Response::json(StatusCode::OK, &page))
}

impl History {
    /// The page of a user's history that `request` selects.
    ///
    /// # Errors
    ///
    /// 422 `validation_failed` for an invalid `cursor` or `limit`; 503.
    pub(crate) async fn asked_for(
        request: &Request,
        connection: &Connection,
        user: Uuid,
    ) -> Result<Self, Problem> {
        let mut query = Query::read(request, &["limit", "cursor"]);
        let (limit, cursor) = (query.limit(), query.cursor(Cursor::decode));
        query.finish()?;
        Ok(Self::of(connection, user, limit, cursor).await?)
    }

    /// The first page of a user's history.
    pub(crate) async fn first(connection: &Connection, user: Uuid) -> Result<Self, DbError> {
        Self::of(connection, user, PAGE, None).await
    }

    async fn of(
        connection: &Connection,
        user: Uuid,
        limit: usize,
        cursor: Option<Cursor>,
    ) -> Result<Self, DbError> {
        let before = cursor.map(|cursor| (cursor.moment, cursor.id));
        let recorded = store::page(connection, user, before, one_more(limit)).await?;
        let items = recorded.into_iter().map(HistoryItem::from).collect();
        let cursor = |item: &HistoryItem| Cursor { moment: item.occurred_at, id: item.id }.encode();
        let (items, next_cursor) = page(items, limit, cursor);
        Ok(Self { items, next_cursor })
    }
}

impl From<RecordedEvent> for HistoryItem {
    fn from(recorded: RecordedEvent) -> Self {
        Self {
            event: recorded.event,
            occurred_at: recorded.occurred_at,
            session_id: recorded.session,
            address: recorded.address,
            user_agent: recorded.user_agent,
            attempts: recorded.attempts,
            provider: recorded.provider,
            id: recorded.id,
        }
    }
}

impl Cursor {
    fn encode(self) -> String {
        let mut bytes = self.moment.as_microsecond().to_be_bytes().to_vec();
        bytes.extend_from_slice(self.id.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn decode(text: &str) -> Option<Self> {
        let bytes: [u8; 24] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (moment, id) = bytes.split_first_chunk::<8>()?;
        let micros = i64::from_be_bytes(*moment);
        let moment = MOMENTS.contains(&micros).then(|| Timestamp::from_microsecond(micros))?.ok()?;
        Some(Self { moment, id: Uuid::from_slice(id).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A cursor of any number, as it could be forged.
    fn forged(micros: i64) -> String {
        let mut bytes = micros.to_be_bytes().to_vec();
        bytes.extend_from_slice(&[0; 16]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    #[test]
    fn the_bounds_are_1970_and_2200() {
        let text = |micros: &i64| Timestamp::from_microsecond(*micros).unwrap().to_string();
        assert_eq!(text(MOMENTS.start()), "1970-01-01T00:00:00Z");
        assert_eq!(text(MOMENTS.end()), "2200-01-01T00:00:00Z");
        assert!(Cursor::decode(&forged(*MOMENTS.end())).is_some());
        assert_eq!(Cursor::decode(&forged(MOMENTS.end() + 1)), None);
        assert_eq!(Cursor::decode(&forged(-1)), None);
    }

    proptest! {
        #[test]
        fn moments_out_of_bounds_are_refused(micros: i64) {
            prop_assert_eq!(Cursor::decode(&forged(micros)).is_some(), MOMENTS.contains(&micros));
        }

        #[test]
        fn a_cursor_survives_its_text(micros in MOMENTS, id: u128) {
            let moment = Timestamp::from_microsecond(micros).unwrap();
            let cursor = Cursor { moment, id: Uuid::from_u128(id) };
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        }

        #[test]
        fn other_texts_are_refused_without_panic(text: String) {
            if let Some(cursor) = Cursor::decode(&text) {
                prop_assert_eq!(cursor.encode(), text);
            }
        }
    }
}
