//! Opens the session of a user whose callback left that to a later request.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::store;
use crate::actor::Actor;
use crate::api::{Code, Problem};
use crate::context::Context;
use crate::db::{DbError, Transaction};
use crate::pending_erasure;
use crate::sessions::history::{self, Event, HistoryEntry, LoginFailure};
use crate::sessions::open::{Opened, SignInMethod, open};
use crate::sessions::session::Device;
use crate::sessions::store::stamp;
use crate::users::store::lock_for_sign_in;

/// A user, and the linked account at a provider that identified the user.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct ProviderProof {
    pub(super) user: Uuid,
    pub(super) provider: String,
    pub(super) subject: String,
    /// The generation of the user's tokens: everything that ends all sessions begins another one, and so ends a sign-in
    /// in progress too.
    pub(super) generation: u64,
}

/// Whether the account at the provider is still linked, and all sessions did not end meanwhile. Notes the sign-in there.
pub(super) async fn is_current(tx: &Transaction<'_>, proof: &ProviderProof) -> Result<bool, DbError> {
    let stamp = stamp(tx, proof.user).await?;
    Ok(stamp.is_some_and(|stamp| stamp.generation == proof.generation)
        && store::record_sign_in(tx, &proof.provider, &proof.subject, proof.user).await?)
}

/// Signs in a user whose callback left that to a later request.
///
/// # Errors
///
/// 403 `account_disabled` or `erasure_pending`; 410 `code_expired` when the account at the provider is no longer linked, or all sessions
/// ended meanwhile; 429 `too_many_sessions`; 503.
pub(super) async fn sign_in(
    context: &Context,
    actor: &Actor,
    proof: &ProviderProof,
) -> Result<Opened, Problem> {
    let entry = |event, session| HistoryEntry { event, user: Some(proof.user), session };
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let Some(account) = lock_for_sign_in(&tx, proof.user).await? else {
        // Only an account at the provider that is still linked proves anything.
        let erasing = if is_current(&tx, proof).await? {
            pending_erasure::problem(context, &*tx, proof.user).await?
        } else {
            None
        };
        tx.rollback().await?;
        let failure = if erasing.is_some() { LoginFailure::Erasing } else { LoginFailure::Inactive };
        history::record(context, actor, entry(Event::LoginFailed(failure), None)).await;
        return Err(erasing.unwrap_or_else(|| Problem::new(Code::AccountDisabled)));
    };
    // Unlinking takes the same lock exclusively, so the account stays linked until the session is open.
    if !is_current(&tx, proof).await? {
        return Err(Problem::new(Code::CodeExpired));
    }
    let device = Device::of(actor.client(), None);
    let method = SignInMethod::Provider(&proof.provider);
    let opened = open(&tx, context, &account, method, &device).await?;
    tx.commit().await?;
    for entry in opened.history(proof.user, Event::ProviderLogin) {
        history::record(context, actor, entry).await;
    }
    Ok(opened)
}
