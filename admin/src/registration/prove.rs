//! Creates the account of a proven address, in one transaction.
//!
//! **An address that was only typed counts as free.** Its account, if there is one, may be the prover's own, or that of a
//! person who typed the address by mistake or on purpose. The prover says which: with `mine` the account is theirs, without
//! everyone who had it before, and with `new` it loses the address and nothing else. An account that is in use is
//! claimed by mail alone after 72 hours, unless a session of it objects, and the address of a user who holds a permission of this service is never taken.

use jiff::Timestamp;
use uuid::Uuid;

use crate::actor::Actor;
use crate::api::{Code, Problem};
use crate::config::ConsentVersion;
use crate::context::Context;
use crate::db::Transaction;
use crate::delayed_recovery;
use crate::evict::evict_before_owner;
use crate::mail_proof::{Evidence, expired, use_up};
use crate::notices::{self, NoticeTarget};
use crate::passwords::PasswordHash;
use crate::sessions::Pair;
use crate::sessions::history::{self, Event, HistoryEntry};
use crate::sessions::open::{SignInMethod, open};
use crate::sessions::session::{Device, EndReason};
use crate::sessions::store::standing;
use crate::users::consents;
use crate::users::email_changes::check_not_frozen;
use crate::users::email_owner::{self, store as owners};
use crate::users::recoveries::Recovery;
use crate::users::store::{self as users, Credential, EMAIL_IS_UNIQUE, NewUser};
use crate::users::{EmailAddress, LockedAccount, known_networks, taken};

/// What a user says about an account that has the address, but never proved it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AccountChoice {
    /// It is theirs.
    Mine,
    /// It is not: they want a new one.
    New,
}

/// A proof, and what is set by it.
pub(super) struct NewRegistration<'a> {
    pub(super) evidence: &'a Evidence<'a>,
    /// The fingerprint of the request.
    pub(super) with: &'a str,
    pub(super) email: &'a EmailAddress,
    pub(super) password: &'a PasswordHash,
    pub(super) display_name: Option<&'a str>,
    pub(super) locale: Option<&'a str>,
    pub(super) choice: Option<AccountChoice>,
    /// To be stored.
    pub(super) consent: Option<&'a ConsentVersion>,
    /// The device of the session; `None` if none is opened.
    pub(super) device: Option<&'a Device>,
}

/// An account that was created or claimed.
pub(super) struct ProvenAccount {
    /// The first tokens, if a session was opened.
    pub(super) pair: Option<Pair>,
}

/// Creates or claims the account, and uses the flow up. `None` when another request was first.
///
/// # Errors
///
/// 409 `account_unproven`, `recovery_delayed` or `email_taken`; 403 `account_disabled` or `account_frozen`; 410 `code_expired`; 429 `too_many_sessions`; 503.
pub(super) async fn register(
    context: &Context,
    actor: &Actor,
    new: &NewRegistration<'_>,
) -> Result<Option<ProvenAccount>, Problem> {
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let mut entries = Vec::new();
    let user = match owners::lock_owner_of_mailbox(&tx, new.email.key()).await? {
        None => insert(context, &tx, new).await?,
        // A disabled user must not return as a new one.
        Some(
            owners::EmailOwner::Erasing(_)
            | owners::EmailOwner::Disabled
            | owners::EmailOwner::DisabledUnverified,
        ) => {
            return Err(Problem::new(Code::AccountDisabled));
        }
        Some(owners::EmailOwner::Active(owner)) => {
            match settle_owner((context, actor), &tx, &owner, new).await? {
                Settled::Delayed(at) => {
                    tx.commit().await?;
                    return Err(delayed_recovery::delayed(at));
                }
                Settled::Mine => {
                    claim(context, actor, &tx, &owner, new, &mut entries).await?;
                    Some(owner.id())
                }
                Settled::New => {
                    entries.push(take_address(context, &tx, owner.id(), new.email.key()).await?);
                    insert(context, &tx, new).await?
                }
            }
        }
    };
    let Some(user) = user else { return Ok(None) };
    consents::store::record(&tx, user, new.consent).await?;
    let (session, pair) = match new.device {
        Some(device) => {
            let account = users::lock_for_sign_in(&tx, user).await?.ok_or_else(expired)?;
            let opened = open(&tx, context, &account, SignInMethod::Password, device).await?;
            entries.extend(opened.history(user, Event::Login));
            (Some(opened.session), Some(opened.pair))
        }
        None => {
            // The first sign-in will be from there.
            known_networks::note(&tx, user, actor.address()).await?;
            (None, None)
        }
    };
    if !use_up(&tx, new.evidence.flow(), new.with, session).await? {
        return Ok(None);
    }
    tx.commit().await?;
    tracing::info!(%user, "A user proved an address and set a password.");
    for entry in entries {
        history::record(context, actor, entry).await;
    }
    Ok(Some(ProvenAccount { pair }))
}

/// Takes the address from an account that never proved it, which loses nothing else.
async fn take_address(
    context: &Context,
    tx: &Transaction<'_>,
    user: Uuid,
    key: &str,
) -> Result<HistoryEntry, Problem> {
    email_owner::withdraw(tx, &context.former_email_keys, user, key).await?;
    notices::email_claimed(NoticeTarget { core: context, tx, user }).await?;
    Ok(entry(Event::EmailClaimed, user))
}

fn entry(event: Event, user: Uuid) -> HistoryEntry {
    HistoryEntry { event, user: Some(user), session: None }
}

/// Creates the user, with a proven address. `None` when another transaction created one with the address meanwhile.
async fn insert(
    context: &Context,
    tx: &Transaction<'_>,
    new: &NewRegistration<'_>,
) -> Result<Option<Uuid>, Problem> {
    let id = context.random.id();
    let user = NewUser {
        id,
        email: Some(new.email),
        is_email_verified: true,
        login: None,
        password_hash: Some(new.password),
        display_name: new.display_name,
        locale: new.locale,
        is_superuser: false,
    };
    match users::insert(&**tx, &user).await {
        Ok(_created_at) => Ok(Some(id)),
        Err(error) if error.constraint() == Some(EMAIL_IS_UNIQUE) => Ok(None),
        Err(error) => Err(taken(error)),
    }
}

/// What is done with the account that has the address.
enum Settled {
    Mine,
    New,
    /// It is in use, and becomes the prover's later.
    Delayed(Timestamp),
}

/// Decides that; the account is locked.
async fn settle_owner(
    (context, actor): (&Context, &Actor),
    tx: &Transaction<'_>,
    owner: &LockedAccount<'_>,
    new: &NewRegistration<'_>,
) -> Result<Settled, Problem> {
    let is_operator = standing(tx, owner.id()).await?.is_operator;
    if owner.unverified_email().is_none() || is_operator {
        return Err(Problem::new(Code::EmailTaken).detail("Sign in, or ask for a new password."));
    }
    let is_in_use = owners::is_in_use(tx, owner.id()).await?;
    match new.choice {
        Some(AccountChoice::New) => Ok(Settled::New),
        Some(AccountChoice::Mine) if !is_in_use => Ok(Settled::Mine),
        Some(AccountChoice::Mine) => {
            let target = NoticeTarget { core: context, tx, user: owner.id() };
            match delayed_recovery::note(target, actor.client().into(), new.email.key()).await? {
                Recovery::Due => Ok(Settled::Mine),
                Recovery::Delayed(at) => Ok(Settled::Delayed(at)),
                Recovery::Objected => {
                    let ways = "A session of it objected to a recovery: if it is yours, sign in with its password; else repeat \
                                the request with `account`: `new`.";
                    Err(unproven(tx, owner.id(), ways).await?)
                }
            }
        }
        None => {
            let ways = if is_in_use {
                "It is in use: if it is yours, sign in with its password, or repeat the request with `account`: `mine`, which \
                 takes effect after 72 hours; else with `new`."
            } else {
                "Repeat the request with `account`: `mine` or `new`."
            };
            Err(unproven(tx, owner.id(), ways).await?)
        }
    }
}

/// 409 `account_unproven`, with what the prover may know of the account.
async fn unproven(tx: &Transaction<'_>, user: Uuid, ways: &str) -> Result<Problem, Problem> {
    let summary = owners::summary(&**tx, user).await?.ok_or_else(expired)?;
    let role = if summary.has_role { "with a role" } else { "without a role" };
    let detail = format!("It was created in {}, {role}. {ways}", summary.created_in);
    Ok(Problem::new(Code::AccountUnproven).detail(detail))
}

/// Makes the account that of the owner of the address: with the new password, and without everyone who came before.
async fn claim(
    context: &Context,
    actor: &Actor,
    tx: &Transaction<'_>,
    owner: &LockedAccount<'_>,
    new: &NewRegistration<'_>,
    entries: &mut Vec<HistoryEntry>,
) -> Result<(), Problem> {
    let user = owner.id();
    check_not_frozen(&**tx, user).await?;
    users::set_credential(tx, user, &Credential::Password(new.password.clone())).await?;
    owners::verify(tx, user, new.email.key()).await?;
    let evicted = evict_before_owner(tx, &context.issuer, user, &[], EndReason::EmailClaimed).await?;
    let target = NoticeTarget { core: context, tx, user };
    notices::password_changed(target, actor.client().into()).await?;
    evicted.notify(context, target, actor.client().into()).await?;
    entries.extend(evicted.history(user, Event::EmailVerified));
    Ok(())
}
