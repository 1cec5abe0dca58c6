//! Opens a session for somebody whom a provider vouched for.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::store;
use crate::api::{Code, Problem, Request};
use crate::sessions::Pair;
use crate::sessions::history::{self, Entry, Event, Failure};
use crate::sessions::open::{Opened, Proof, finish, open};
use crate::sessions::session::Device;
use crate::users;

/// A user, and the account that they came with.
#[derive(Serialize, Deserialize)]
pub(super) struct Proven {
    pub(super) user: Uuid,
    pub(super) provider: String,
    pub(super) subject: String,
}

/// Signs somebody in on `device`. `gone` is the problem when the account is no longer linked to them.
///
/// # Errors
///
/// 403 `account_disabled`; `gone`; 503.
pub(super) async fn sign_in(
    request: &Request,
    proven: &Proven,
    device: &Device,
    gone: Code,
) -> Result<Pair, Problem> {
    let metrics = &request.context.metrics;
    let note = |event, session| Entry { event, user: Some(proven.user), session };
    match open_session(request, proven, device).await? {
        Some(Opened::Session(session, pair)) => {
            metrics.sign_in("signed_in");
            history::record(&request.context, &request.actor(), note(Event::ProviderLogin, Some(session)))
                .await;
            Ok(pair)
        }
        Some(Opened::Inactive) => {
            metrics.sign_in("refused");
            history::record(
                &request.context,
                &request.actor(),
                note(Event::LoginFailed(Failure::Inactive), None),
            )
            .await;
            Err(Problem::new(Code::AccountDisabled))
        }
        Some(Opened::HashChanged) | None => Err(Problem::new(gone)),
    }
}

/// `None` when the account is no longer theirs. Asked with the user held, whom unlinking holds alone.
async fn open_session(
    request: &Request,
    proven: &Proven,
    device: &Device,
) -> Result<Option<Opened>, Problem> {
    let mut connection = request.context.db.get().await?;
    let tx = connection.begin().await?;
    users::store::lock_for_sign_in(&tx, proven.user).await?;
    if !store::note_sign_in(&tx, &proven.provider, &proven.subject, proven.user).await? {
        return Ok(None);
    }
    let proof = Proof::Provider(&proven.provider);
    let opened = open(&tx, &request.context, proven.user, proof, device).await?;
    finish(tx, &opened).await?;
    Ok(Some(opened))
}
