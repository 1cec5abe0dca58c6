//! Begins a new generation of a user's tokens: all sessions are revoked, except perhaps the current one.

use shared::revocation::Reason;
use uuid::Uuid;

use super::mint::{Proof, mint};
use super::origin::ClientOrigin;
use super::pair::Pair;
use super::session::{Device, EndReason, Rotation, Session, after};
use super::store;
use crate::access::still;
use crate::actor::{Caller, Client};
use crate::api::{Code, Problem};
use crate::context::Context;
use crate::db::{DbError, Transaction};
use crate::revocations::{self, NewRevocation};
use crate::users::{self, LockedAccount};

/// The caller's account, locked exclusively: the first lock of every change that revokes sessions.
///
/// The transaction that held this lock may have revoked the token of this very request, so the token is
/// checked again.
///
/// # Errors
///
/// 401 `token_revoked` when the account was disabled or removed, or the token was revoked, since the token
/// was checked; 401 `token_expired`.
pub(crate) async fn lock_account<'t>(
    tx: &'t Transaction<'_>,
    caller: Caller,
) -> Result<LockedAccount<'t>, Problem> {
    let account = users::store::lock_for_change(tx, caller.user).await?;
    let account = account.ok_or_else(|| Problem::new(Code::TokenRevoked))?;
    still(tx, caller).await?;
    Ok(account)
}

/// The current session, locked and still active. Locked after the user, before anything changes.
///
/// # Errors
///
/// 401 `token_revoked` when it has ended since its token was checked.
pub(crate) async fn lock_current(tx: &Transaction<'_>, caller: Caller) -> Result<Session, Problem> {
    let session = store::lock(tx, caller.session).await?;
    session
        .filter(|session| session.user == caller.user && !session.state.is_revoked)
        .ok_or_else(|| Problem::new(Code::TokenRevoked))
}

/// Revokes the user's sessions except `kept`, and records that all tokens below `generation` are revoked.
/// Returns the number of revoked sessions. The user and all other locks must be held.
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

/// Mints the kept session's token pair of the new generation.
///
/// Its older refresh tokens are withdrawn, including the grace period for lost responses: a user who changes
/// the password may share this very session with a thief. Therefore the session no longer depends on the key
/// that sealed them, which may have been removed from the configuration since.
pub(crate) async fn renew(
    context: &Context,
    client: &Client,
    tx: &Transaction<'_>,
    mut session: Session,
    proof: Proof,
) -> Result<Pair, Problem> {
    let gone = || Problem::new(Code::TokenRevoked);
    let stamp = store::stamp(tx, session.user).await?.ok_or_else(gone)?;
    if session.state.has_ended(stamp.deployment_generation) {
        return Err(gone());
    }
    let standing = store::standing(tx, session.user).await?;
    session.shorten(&standing, &context.config.tokens);
    if stamp.now >= session.state.idle_expires_at.min(session.state.expires_at) {
        return Err(Problem::new(Code::SessionExpired));
    }
    let next = session.state.counter.checked_add(1).ok_or_else(gone)?;
    session.state.key = context.refresh_keys.current();
    session.state.counter = next;
    session.state.revoked_below = next;
    let idle = after(stamp.now, context.config.tokens.session_idle);
    session.state.idle_expires_at = idle.min(session.state.expires_at);
    let origin = ClientOrigin::of(client);
    let rotation = Rotation { at: stamp.now, origin, concurrent: 0 };
    store::rotate(tx, &session, &rotation, &Device::of(client, None), true).await?;
    mint(context, &session, &stamp, &standing.roles, proof, client.device.as_ref())
}
