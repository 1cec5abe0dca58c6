//! The content of an export.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::store;
use crate::api::{Code, Problem};
use crate::db::SqlClient;

/// Everything that is stored of a user. Purposefully without `Debug`: it is personal.
#[derive(Serialize, ToSchema)]
#[schema(as = Export)]
pub(crate) struct UserExport {
    #[schema(value_type = Object)]
    pub(super) profile: Value,
    #[schema(value_type = Vec<Object>)]
    pub(super) roles: Value,
    /// The accounts at identity providers.
    #[schema(value_type = Vec<Object>)]
    pub(super) linked_accounts: Value,
    /// Sessions, also those that ended within the last 30 days.
    #[schema(value_type = Vec<Object>)]
    pub(super) sessions: Value,
    /// The newest 10,000 entries.
    #[schema(value_type = Vec<Object>)]
    pub(super) login_history: Value,
    #[schema(value_type = Vec<Object>)]
    pub(super) notices: Value,
    /// The texts on the processing of personal data to which the user consented.
    #[schema(value_type = Vec<Object>)]
    pub(super) consents: Value,
    /// The networks from which the user signed in within the last 30 days.
    #[schema(value_type = Vec<Object>)]
    pub(super) known_networks: Value,
    /// Changes of the address that can be undone, with the former address.
    #[schema(value_type = Vec<Object>)]
    pub(super) email_changes: Value,
    /// Recoveries that take effect later.
    #[schema(value_type = Vec<Object>)]
    pub(super) recoveries: Value,
}

/// An example of an export.
pub(crate) fn example() -> Value {
    json!({
        "profile": { "user_id": "0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b", "email": "anna@example.org" },
        "roles": [{ "name": "subscriber", "granted_at": "2026-11-25T20:15:30.123456+00:00" }],
        "linked_accounts": [],
        "sessions": [],
        "login_history": [{ "event": "login", "occurred_at": "2026-11-25T20:15:30.123456+00:00" }],
        "notices": [],
        "consents": [{ "version": "2026-12", "given_at": "2026-11-25T20:15:30.123456+00:00" }],
        "known_networks": [],
        "email_changes": [],
        "recoveries": []
    })
}

/// The export of a user.
///
/// # Errors
///
/// 404; 503.
pub(crate) async fn export(client: &impl SqlClient, user: Uuid) -> Result<UserExport, Problem> {
    let profile = store::profile(client, user).await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(UserExport {
        profile,
        roles: store::roles(client, user).await?,
        linked_accounts: store::linked_accounts(client, user).await?,
        sessions: store::sessions(client, user).await?,
        login_history: store::login_history(client, user).await?,
        notices: store::notices(client, user).await?,
        consents: store::consents(client, user).await?,
        known_networks: store::known_networks(client, user).await?,
        email_changes: store::email_changes(client, user).await?,
        recoveries: store::recoveries(client, user).await?,
    })
}
