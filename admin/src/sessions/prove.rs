//! Mints an access token for a caller who has just proved again who they are.
//!
//! The session does not change, so the proof is in this one token: no other client of the session has it, and no refresh
//! repeats it.

use super::mint::{Proof, ProvenBy, mint_access};
use super::pair::AccessToken;
use super::renew::lock_current;
use super::store;
use crate::access::still;
use crate::actor::Caller;
use crate::api::{Code, Problem};
use crate::context::Context;
use crate::db::Transaction;
use crate::passwords::PasswordHash;
use crate::users;

/// An access token of the caller's session, if the password that was `verified` is still the current one.
///
/// # Errors
///
/// 403 `current_password_wrong` when the password changed meanwhile; 401 when the account was disabled, or the session
/// or the token ended; 503.
pub(crate) async fn prove_again(
    context: &Context,
    caller: Caller,
    verified: &PasswordHash,
) -> Result<AccessToken, Problem> {
    let gone = || Problem::new(Code::TokenRevoked);
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let account = users::store::lock_for_sign_in(&tx, caller.user).await?.ok_or_else(gone)?;
    if !account.has_hash(Some(verified)) {
        return Err(Problem::new(Code::CurrentPasswordWrong));
    }
    let access = mint_proven(&tx, context, caller, ProvenBy::Password).await?;
    // Nothing was changed, so there is nothing to wait for.
    tx.rollback().await?;
    Ok(access)
}

/// The same after another proof, which the caller of this function has checked in `tx`. It holds the lock of the account; the
/// rest is locked and read in the order of a refresh.
///
/// # Errors
///
/// 401 when the account was disabled, or the session or the token ended; 503.
pub(crate) async fn mint_proven(
    tx: &Transaction<'_>,
    context: &Context,
    caller: Caller,
    method: ProvenBy,
) -> Result<AccessToken, Problem> {
    let mut session = lock_current(tx, caller).await?;
    still(tx, caller).await?;
    let stamp = store::stamp(tx, caller.user).await?.ok_or_else(|| Problem::new(Code::TokenRevoked))?;
    let standing = store::standing(tx, caller.user).await?;
    session.shorten(&standing, &context.config.tokens);
    if stamp.now >= session.state.idle_expires_at.min(session.state.expires_at) {
        return Err(Problem::new(Code::SessionExpired));
    }
    mint_access(context, &session, &stamp, &standing.roles, Proof::Now(method))
}
