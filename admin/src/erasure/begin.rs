//! Begins an erasure: the account no longer signs in, and all sessions end at once.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::store;
use crate::access::check_not_last;
use crate::actor::Actor;
use crate::api::{Code, Problem};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::db::Transaction;
use crate::notices::{self, NoticeClient, NoticeTarget};
use crate::sessions::renew::end_older;
use crate::sessions::session::EndReason;
use crate::users;

/// Who wants an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The user.
    User,
    /// An operator.
    Operator,
    /// The erasure had been done before the database was restored.
    Replay,
}

impl Origin {
    /// As stored and returned.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Operator => "operator",
            Self::Replay => "replay",
        }
    }
}

/// Begins the erasure of `user`, who must be locked exclusively together with all superusers, and returns when it will be
/// done. An erasure that has begun goes on as it is.
///
/// # Errors
///
/// 409 `last_superuser`; 404; 503.
pub(crate) async fn begin(
    tx: &Transaction<'_>,
    core: &Core,
    actor: &Actor,
    user: Uuid,
    grace: Duration,
    (origin, reason): (Origin, Option<&str>),
) -> Result<Timestamp, Problem> {
    let state = store::state(tx, user).await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    if let Some(due_at) = state.due_at {
        return Ok(due_at);
    }
    if state.is_superuser {
        check_not_last(tx, user).await?;
    }
    let due_at = store::begin(tx, user, grace, origin.word()).await?;
    let generation = users::store::advance_generation(tx, user).await?;
    crate::users::store::void_links(tx, user).await?;
    let ended = end_older(tx, &core.issuer, user, None, generation, EndReason::Erasing).await?;
    let client = match origin {
        Origin::User => actor.client().into(),
        // Where an operator is, and their language, is not for the user.
        Origin::Operator | Origin::Replay => NoticeClient::default(),
    };
    notices::erasure_begun(NoticeTarget { core, tx, user }, client, due_at).await?;
    let detail = json!({ "sessions_ended": ended, "origin": origin.word(), "erase_at": due_at });
    let entry = AuditEntry::new(AuditAction::ErasureBegun, user.to_string(), detail).reason(reason);
    audit::record(tx, &core.audit_keys, actor, entry).await?;
    Ok(due_at)
}
