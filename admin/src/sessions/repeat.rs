//! Mints the token pair of a session once more, for a client that repeats the request that opened it.
//!
//! It is the refresh token that the session has now, so two answers to one request do not compete.

use uuid::Uuid;

use super::mint::{Proof, mint};
use super::pair::Pair;
use super::store;
use crate::actor::Client;
use crate::api::Problem;
use crate::context::Context;

/// A token pair of `session`; `None` when it has ended, or its older tokens were withdrawn. Locks and reads in the order
/// of a refresh.
///
/// # Errors
///
/// 503.
pub(crate) async fn pair_again(
    context: &Context,
    client: &Client,
    session: Uuid,
) -> Result<Option<Pair>, Problem> {
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let Some(mut session) = store::lock(&tx, session).await? else { return Ok(None) };
    let Some(stamp) = store::stamp(&tx, session.user).await? else { return Ok(None) };
    let standing = store::standing(&tx, session.user).await?;
    session.shorten(&standing, &context.config.tokens);
    let state = &session.state;
    let is_live = standing.is_active
        && !state.has_ended(stamp.deployment_generation)
        && state.revoked_below == 0
        && stamp.now < state.idle_expires_at.min(state.expires_at);
    if !is_live {
        return Ok(None);
    }
    let pair = mint(context, &session, &stamp, &standing.roles, Proof::SignIn, client.device.as_ref())?;
    // Nothing was changed, so there is nothing to wait for.
    tx.rollback().await?;
    Ok(Some(pair))
}
