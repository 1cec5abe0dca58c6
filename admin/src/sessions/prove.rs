//! Mints an access token for a caller who has just proved the password again.
//!
//! The session does not change, so the proof is in this one token: no other client of the session has it, and no refresh
//! repeats it.

use super::mint::{AccessToken, Proof, mint_access};
use super::renew::lock_current;
use super::store;
use crate::access::still;
use crate::actor::Caller;
use crate::api::{Code, Problem};
use crate::context::Context;
use crate::passwords::PasswordHash;
use crate::users;

/// An access token of the caller's session, if the password that was `verified` is still the current one. Locks and
/// reads in the order of a refresh, after the account.
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
    let mut session = lock_current(&tx, caller).await?;
    still(&tx, caller).await?;
    let stamp = store::stamp(&tx, caller.user).await?.ok_or_else(gone)?;
    let standing = store::standing(&tx, caller.user).await?;
    session.shorten(&standing, &context.config.tokens);
    if stamp.now >= session.state.idle_expires_at.min(session.state.expires_at) {
        return Err(Problem::new(Code::SessionExpired));
    }
    let access = mint_access(context, &session, &stamp, &standing.roles, Proof::Now)?;
    // Nothing was changed, so there is nothing to wait for.
    tx.rollback().await?;
    Ok(access)
}
