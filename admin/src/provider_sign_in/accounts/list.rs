//! `GET /api/v1/me/accounts`: the accounts that are linked to the caller.

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::caller;
use crate::api::{Access, Operation, Problem, Request, Response};
use crate::context::Core;
use crate::db::Connection;
use crate::provider_sign_in::store;

/// A user's accounts at identity providers, in the order of linking.
#[derive(Serialize, ToSchema)]
pub(crate) struct Accounts {
    pub(crate) items: Vec<AccountItem>,
}

/// An account at an identity provider.
#[derive(Serialize, ToSchema)]
#[schema(as = Account)]
pub(crate) struct AccountItem {
    /// The provider.
    pub(crate) provider: String,
    /// The provider's name for people; its name in paths when it is no longer configured.
    pub(crate) name: String,
    /// The display name there.
    #[schema(required, max_length = 64)]
    pub(crate) display_name: Option<String>,
    /// The e-mail address there. It does not identify the user.
    #[schema(required, format = "idn-email")]
    pub(crate) email: Option<String>,
    /// Whether the provider vouches for the address.
    pub(crate) email_vouched: bool,
    pub(crate) linked_at: Timestamp,
    /// The time of the last sign-in with it.
    #[schema(required)]
    pub(crate) last_login_at: Option<Timestamp>,
    /// The rule by which it was linked (docs/social.md), for support.
    #[schema(minimum = 1, maximum = 9)]
    pub(crate) linked_rule: i16,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Me")
        .summary("List the caller's accounts at identity providers.")
        .access(Access::SignedIn)
        .answer::<Accounts>(200, "The accounts, in the order of linking.", example())
}

/// An example of [`Accounts`].
pub(crate) fn example() -> Value {
    json!({ "items": [{
        "provider": "google",
        "name": "Google",
        "display_name": "Anna",
        "email": "anna@gmail.com",
        "email_vouched": true,
        "linked_at": "2026-11-25T20:15:30.123456Z",
        "last_login_at": "2026-11-25T20:15:30.5Z",
        "linked_rule": 6
    }] })
}

/// Handles the request.
///
/// # Errors
///
/// 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let caller = caller(&request).await?;
    let connection = request.context.db.get().await?;
    let accounts = Accounts::of(&request.context, &connection, caller.user).await?;
    Ok(Response::json(StatusCode::OK, &accounts))
}

impl Accounts {
    /// Those of `user`.
    pub(crate) async fn of(core: &Core, connection: &Connection, user: Uuid) -> Result<Self, Problem> {
        let accounts = store::list(&**connection, user).await?;
        Ok(Self { items: accounts.into_iter().map(|account| AccountItem::new(core, account)).collect() })
    }
}

impl AccountItem {
    fn new(core: &Core, account: store::LinkedAccount) -> Self {
        Self {
            name: core.provider_names.name_of(&account.provider).to_owned(),
            provider: account.provider,
            display_name: account.display_name,
            email: account.email,
            email_vouched: account.is_email_vouched,
            linked_at: account.linked_at,
            last_login_at: account.last_login_at,
            linked_rule: account.linked_rule,
        }
    }
}
