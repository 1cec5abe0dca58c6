//! The endpoints with which a user continues where a sign-in left a link to confirm: the user confirms or declines, signs in
//! to an account, or skips that.

mod by_code;
pub mod confirm;
pub mod decline;
pub mod mail;
pub mod move_here;
pub mod prove;
pub mod provider;
pub mod show;
pub mod sign_in;
pub mod skip;

use jiff::Timestamp;
use uuid::Uuid;

use super::email_proof::{Proved, verify_email};
use super::flow::{CodeVerifier, Initiator};
use super::identity::ProviderIdentity;
use super::pending_link::PendingLink;
use super::resolution::generation;
use super::sign_in::ProviderProof;
use super::store::{self, ConfirmedBy, Link};
use super::stored_identity::expired;
use crate::actor::Actor;
use crate::api::text::text_type;
use crate::api::{Code, Problem, Request};
use crate::context::Context;
use crate::db::Transaction;
use crate::delayed_recovery;
use crate::notices::{self, NoticeTarget};
use crate::passwords::PasswordHash;
use crate::sessions::history::{Event, HistoryEntry};
use crate::sessions::store::standing;
use crate::users::consents;
use crate::users::email_changes::check_not_frozen;
use crate::users::email_owner::store as email_owner;
use crate::users::recoveries::Recovery;
use crate::users::store::lock_for_change;
use crate::users::{EmailAddress, LockedAccount};

/// Links an identity to `account`, which is locked exclusively, after the user has confirmed that. Returns the entries for
/// the login history.
///
/// # Errors
///
/// 403 `account_frozen`; 409 `oauth_account_in_use` or `oauth_provider_linked`; 422 `consent_required`; 503.
async fn link_confirmed(
    tx: &Transaction<'_>,
    context: &Context,
    actor: &Actor,
    account: &LockedAccount<'_>,
    (identity, link): (&ProviderIdentity<'_>, &Link<'_>),
    proved: Proved<'_>,
) -> Result<Vec<HistoryEntry>, Problem> {
    let user = account.id();
    check_not_frozen(&**tx, user).await?;
    let (asked, sent) = (context.config.consent.as_ref(), identity.consent.as_deref());
    let consent = consents::check_first_use(&**tx, user, asked, sent).await?;
    consents::store::record(tx, user, consent).await?;
    let mut history = Vec::new();
    if store::insert(tx, link).await? {
        history.push(HistoryEntry { event: Event::AccountLinked, user: Some(user), session: None });
        let target = NoticeTarget { core: context, tx, user };
        notices::provider_linked(target, actor.client().into(), identity.provider.name()).await?;
    } else {
        match store::owner(tx, link.provider, link.subject).await? {
            Some(owner) if owner == user => {}
            Some(_) => return Err(Problem::new(Code::OauthAccountInUse)),
            None => return Err(Problem::new(Code::OauthProviderLinked)),
        }
    }
    history.extend(verify_email(tx, (context, actor), account, identity, proved).await?);
    Ok(history)
}

/// When the account, which is locked, becomes the prover's: `None` at once. An account that is in use and never proved the
/// address may be another person's.
async fn delay(
    tx: &Transaction<'_>,
    (context, actor): (&Context, &Actor),
    account: &LockedAccount<'_>,
    email: &EmailAddress,
) -> Result<Option<Timestamp>, Problem> {
    let user = account.id();
    let is_claim = account.unverified_email().is_some() && !standing(tx, user).await?.is_operator;
    if !is_claim || !email_owner::is_in_use(tx, user).await? {
        return Ok(None);
    }
    let target = NoticeTarget { core: context, tx, user };
    match delayed_recovery::note(target, actor.client().into(), email.key()).await? {
        Recovery::Due => Ok(None),
        Recovery::Delayed(at) => Ok(Some(at)),
        Recovery::Objected => {
            let detail = "A session of the account objected to a recovery. If it is yours, use its password (`/oauth/link/sign-in`).";
            Err(Problem::new(Code::AccountUnproven).detail(detail))
        }
    }
}

text_type!(
    /// The month in which an account was created.
    CreatedIn, month
);

fn month(text: &str) -> Result<String, &'static str> {
    let fits = |(place, byte): (usize, u8)| if place == 4 { byte == b'-' } else { byte.is_ascii_digit() };
    match text.len() == 7 && text.bytes().enumerate().all(fits) {
        true => Ok(text.to_owned()),
        false => Err("Must be a year and a month, such as 2026-03."),
    }
}

/// Checks that the client has seen when the account of `user` was created.
///
/// # Errors
///
/// 422 `validation_failed`; 503.
async fn check_seen(tx: &Transaction<'_>, user: Uuid, created_in: &str) -> Result<(), Problem> {
    let summary = email_owner::summary(&**tx, user).await?.ok_or_else(expired)?;
    if summary.created_in == created_in {
        return Ok(());
    }
    let sentence = "Must be `created_in` of the account, as `/oauth/link/show` returns it.";
    Err(Problem::new(Code::ValidationFailed).field("created_in", "field_invalid", sentence))
}

/// Links an identity to the account of `user`, whose password was `verified` and must still be the current one. A user
/// who knows the password has the account, so nothing of it ends. Returns what signs the user in, and the entries for the
/// login history.
///
/// # Errors
///
/// `missing` when the account is gone or disabled meanwhile; 401 `invalid_credentials` when it has another password; 409
/// `oauth_account_in_use` or `oauth_provider_linked`; 410 `code_expired` after another `generation`; 503.
async fn link_by_password(
    context: &Context,
    actor: &Actor,
    (identity, rule): (&ProviderIdentity<'_>, u8),
    user: Uuid,
    (verified, missing, expected): (&PasswordHash, Code, Option<&PendingLink>),
) -> Result<(ProviderProof, Vec<HistoryEntry>), Problem> {
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let account = lock_for_change(&tx, user).await?.ok_or_else(|| Problem::new(missing))?;
    if !account.has_hash(Some(verified)) {
        return Err(Problem::new(Code::InvalidCredentials));
    }
    if let Some(pending) = expected {
        pending.check_generation(&tx).await?;
    }
    let link = identity.confirmed_link_to(user, rule, ConfirmedBy::Password);
    let history = link_confirmed(&tx, context, actor, &account, (identity, &link), Proved::Account).await?;
    let proof = identity.proof_of(user, generation(&tx, user).await?);
    tx.commit().await?;
    Ok((proof, history))
}

/// The owner of the flow of a request: an app by its verifier, or else a browser by its cookie.
pub(super) fn owner_of(request: &Request, verifier: Option<&CodeVerifier>) -> String {
    Initiator::of(&request.headers, verifier).owner_afterwards()
}
