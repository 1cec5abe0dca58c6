//! Creates a session for a user who has just authenticated.

use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use uuid::Uuid;

use super::mint::{Pair, mint};
use super::session::{Device, Session, SessionState, Stamp};
use super::store;
use crate::api::Problem;
use crate::context::Context;
use crate::db::{DbError, Transaction};
use crate::passwords::PasswordHash;
use crate::users;

/// The only client so far: the cinema itself.
pub(crate) const OWN_CLIENT: &str = "cinema";

/// The outcome.
pub(crate) enum Opened {
    /// A session, and its first token pair.
    Session(Uuid, Pair),
    /// The account can no longer be used to sign in.
    Inactive,
    /// The password hash has changed since it was verified.
    HashChanged,
}

/// How the user has just authenticated.
#[derive(Clone, Copy)]
pub(crate) enum Proof<'p> {
    /// With the password of this hash.
    Password(&'p PasswordHash),
    /// With an account at this identity provider. The caller has checked, with the user locked, that the
    /// account is still linked.
    Provider(&'p str),
}

/// Creates a session in `tx`.
///
/// Locks the user in shared mode and only then checks whether the proof still counts: a concurrent password
/// change is either visible here, or waits for this session and revokes it.
pub(crate) async fn open(
    tx: &Transaction<'_>,
    context: &Context,
    user: Uuid,
    proof: Proof<'_>,
    device: &Device,
) -> Result<Opened, Problem> {
    let Some(account) = users::store::lock_for_sign_in(tx, user).await?.filter(|account| account.is_active)
    else {
        return Ok(Opened::Inactive);
    };
    match proof {
        Proof::Password(hash) if account.password_hash.as_ref() != Some(hash) => {
            return Ok(Opened::HashChanged);
        }
        Proof::Password(_) | Proof::Provider(_) => {}
    }
    let Some(stamp) = store::stamp(tx, user).await? else { return Ok(Opened::Inactive) };
    let session = new_session(context, user, proof, &stamp);
    store::insert(tx, &session, device).await?;
    let standing = store::standing(tx, user).await?;
    let pair = mint(context, &session, &stamp, &standing.roles)?;
    Ok(Opened::Session(session.id, pair))
}

fn new_session(context: &Context, user: Uuid, proof: Proof<'_>, stamp: &Stamp) -> Session {
    let tokens = &context.config.tokens;
    let expires_at = after(stamp.now, tokens.session_life);
    let state = SessionState {
        key: context.refresh_keys.current(),
        counter: 0,
        revoked_below: 0,
        is_revoked: false,
        deployment_generation: stamp.deployment_generation,
        is_user_active: true,
        idle_expires_at: after(stamp.now, tokens.session_idle).min(expires_at),
        expires_at,
        rotation: None,
        elsewhere: Vec::new(),
    };
    // RFC 8176 has no value for a provider; `fed` is in common use.
    let (amr, provider) = match proof {
        Proof::Password(_) => ("pwd", None),
        Proof::Provider(provider) => ("fed", Some(provider.to_owned())),
    };
    Session {
        id: Uuid::now_v7(),
        user,
        client: OWN_CLIENT.to_owned(),
        authenticated_at: stamp.now,
        amr: vec![amr.to_owned()],
        provider,
        state,
    }
}

/// Later by `span`; the end of time if that is beyond it.
pub(crate) fn after(moment: Timestamp, span: Duration) -> Timestamp {
    let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
    moment.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// Rolls back: a transaction that only read leaves nothing behind.
pub(crate) async fn finish(tx: Transaction<'_>, opened: &Opened) -> Result<(), DbError> {
    match opened {
        Opened::Session(..) => tx.commit().await,
        Opened::Inactive | Opened::HashChanged => tx.rollback().await,
    }
}
