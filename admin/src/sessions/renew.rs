//! Begins a new generation of a user's tokens: every session ends but, perhaps, the one that asked.

use shared::revocation::Reason;
use uuid::Uuid;

use super::mint::{Pair, mint};
use super::open::after;
use super::refresh::decide::Rotation;
use super::refresh::origin::Origin;
use super::session::{Device, EndReason, Session};
use super::store;
use crate::access::{Caller, still};
use crate::api::{Code, Problem, Request};
use crate::db::{DbError, Transaction};
use crate::revocations::{self, NewRevocation};
use crate::users;
use crate::users::store::Account;

/// The caller's account, held alone: the first lock of every change that ends sessions.
///
/// Whoever it was waited for may have revoked the very token that asks, so the token is looked at again.
///
/// # Errors
///
/// 401 `token_revoked` when the account was disabled or removed, or the token revoked, since the token was
/// looked at; 401 `token_expired`.
pub(crate) async fn lock_account(tx: &Transaction<'_>, caller: Caller) -> Result<Account, Problem> {
    let account = users::store::lock_for_change(tx, caller.user).await?;
    let account = account.filter(|account| account.is_active);
    let account = account.ok_or_else(|| Problem::new(Code::TokenRevoked))?;
    still(tx, caller).await?;
    Ok(account)
}

/// The session that asked, locked and found standing. Taken after the user's lock, before anything changes.
///
/// # Errors
///
/// 401 `token_revoked` when it has ended since its token was looked at.
pub(crate) async fn lock_current(tx: &Transaction<'_>, caller: Caller) -> Result<Session, Problem> {
    let session = store::lock(tx, caller.session).await?;
    session
        .filter(|session| session.user == caller.user && !session.state.is_revoked)
        .ok_or_else(|| Problem::new(Code::TokenRevoked))
}

/// Ends the user's sessions but `kept`, and records that every token below `generation` is revoked. Says how
/// many sessions ended. Under the user's lock, and with every other lock held.
pub(crate) async fn end_older(
    tx: &Transaction<'_>,
    issuer: &str,
    user: Uuid,
    kept: Option<Uuid>,
    generation: u64,
    reason: EndReason,
) -> Result<u64, DbError> {
    let ended = store::end_all(tx, user, kept, reason).await?;
    let revocation = NewRevocation::user(user, generation, Reason::Revoked);
    revocations::record(tx, issuer, &[revocation]).await?;
    Ok(ended)
}

/// Gives the kept session its pair of the new generation.
///
/// Its older refresh tokens are withdrawn, the grace for lost answers included: whoever changes a password
/// may have a thief in this very session. So nothing binds it to the key that they were sealed with, which may
/// have been taken out of the configuration since.
pub(crate) async fn renew(
    request: &Request,
    tx: &Transaction<'_>,
    mut session: Session,
) -> Result<Pair, Problem> {
    let gone = || Problem::new(Code::TokenRevoked);
    let stamp = store::stamp(tx, session.user).await?.ok_or_else(gone)?;
    if session.state.has_ended(stamp.deployment_generation) {
        return Err(gone());
    }
    if stamp.now >= session.state.idle_expires_at.min(session.state.expires_at) {
        return Err(Problem::new(Code::SessionExpired));
    }
    let next = session.state.counter.checked_add(1).ok_or_else(gone)?;
    session.state.key = request.context.refresh_keys.current();
    session.state.counter = next;
    session.state.revoked_below = next;
    let idle = after(stamp.now, request.context.config.tokens.session_idle);
    session.state.idle_expires_at = idle.min(session.state.expires_at);
    let origin = Origin::new(request.client.address, request.client.user_agent.as_deref());
    let rotation = Rotation { at: stamp.now, origin, concurrent: 0 };
    store::rotate(tx, &session, &rotation, &Device::of(request, None), true).await?;
    let standing = store::standing(tx, session.user).await?;
    mint(&request.context, &session, &stamp, &standing.roles)
}
