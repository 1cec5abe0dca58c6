//! The steps that the three credential changes share: they require the current password, revoke all other
//! sessions with their tokens, and return a new token pair for the current session.

use uuid::Uuid;

use crate::access::fresh;
use crate::actor::{Actor, Caller, DeviceText};
use crate::api::text::FromText as _;
use crate::api::{Code, Findings, Form, Problem, Request};
use crate::context::Context;
use crate::db::{DbError, Transaction};
use crate::guessing::LimitedRoute;
use crate::keys::LinkToken;
use crate::notices::{self, NoticeTarget};
use crate::passwords::{Password, PasswordHash, PasswordMatch};
use crate::permit::{HashPermit, Permit, Tried};
use crate::sessions::history::{self, Event, HistoryEntry};
use crate::sessions::renew::{end_older, lock_account, lock_current, renew};
use crate::sessions::session::EndReason;
use crate::sessions::{Pair, Proof, ProvenBy};
use crate::users::store::{self, Credential};
use crate::users::{
    Account, EmailAddress, FormerAddress, email_changes, former_passwords, known_networks, taken,
};

/// The problems that tell that an account has a name.
const TAKEN: [Code; 2] = [Code::EmailTaken, Code::LoginTaken];

/// The member with the current password.
pub(super) const CURRENT: &str = "current_password";

/// The caller's account.
///
/// # Errors
///
/// 401 `token_revoked` when it does not exist any more; 503.
pub(super) async fn account_of(context: &Context, actor: &Actor) -> Result<Account, Problem> {
    let account = store::find_by_id(&context.db.get().await?, actor.caller()?.user, actor.address()).await?;
    account.ok_or_else(|| Problem::new(Code::TokenRevoked))
}

/// Notes the device token of an app that keeps no cookies. A malformed one is refused with the form.
pub(super) fn present_device(request: &mut Request, form: &Form) {
    let device = form.text("device_token").and_then(|text| DeviceText::from_text(text).ok());
    request.client.present(device);
}

/// A user who has a password must send it.
pub(super) fn check_current(found: &mut Findings, account: &Account, is_present: bool) {
    if account.password_hash.is_some() && !is_present {
        found.add(CURRENT, "field_missing", "The current password is required.");
    }
}

/// Counts the attempt.
///
/// # Errors
///
/// 429 `too_many_attempts`; 503.
pub(super) async fn permit(
    context: &Context,
    actor: &Actor,
    account: &Account,
) -> Result<HashPermit, Problem> {
    let session = actor.caller()?.session;
    let tried = Tried {
        route: LimitedRoute::Change,
        identifier: "",
        session: session.as_bytes(),
        account: Some(account.facts),
    };
    HashPermit::take(context, actor, tried).await
}

/// Checks the current password, and returns the hash that it matched, with the permit, which is not judged yet.
///
/// A user without a password, who signs in through a provider, must have signed in recently instead, by the token of
/// this request.
///
/// # Errors
///
/// 403 `current_password_wrong` or `fresh_auth_required`; 503.
pub(super) async fn prove(
    context: &Context,
    actor: &Actor,
    mut permit: HashPermit,
    account: &Account,
    password: Option<&Password>,
) -> Result<(Option<PasswordHash>, HashPermit), Problem> {
    let caller = actor.caller()?;
    let hash = account.password_hash.clone();
    let Some(password) = password else {
        if hash.is_some() {
            return Err(Problem::new(Code::FreshAuthRequired));
        }
        fresh(&*context.db.get().await?, caller).await?;
        return Ok((None, permit));
    };
    match permit.verify(password, hash.as_ref()).await? {
        PasswordMatch::Yes | PasswordMatch::YesButOutdated if hash.is_some() => Ok((hash, permit)),
        PasswordMatch::Yes | PasswordMatch::YesButOutdated | PasswordMatch::No => {
            permit.failed();
            history::record(context, actor, entry(caller, Event::ProofFailed)).await;
            Err(Problem::new(Code::CurrentPasswordWrong))
        }
    }
}

/// Sets `new` for the caller if `password` is the current one, or need not be sent.
///
/// # Errors
///
/// As [`permit`], [`prove`] and [`change`].
pub(super) async fn prove_and_change(
    context: &Context,
    actor: &Actor,
    account: &Account,
    password: Option<&Password>,
    new: &Credential,
) -> Result<Pair, Problem> {
    let permit = permit(context, actor, account).await?;
    let (verified, permit) = prove(context, actor, permit, account, password).await?;
    // The permit is for hashing only; the transaction must not occupy it.
    permit.succeeded().await;
    let claim = claim(context, actor, new).await?;
    let outcome = change(context, actor, verified.as_ref(), new).await;
    match (claim, &outcome) {
        (Some(claim), Ok(_)) => claim.succeeded().await,
        (Some(claim), Err(problem)) if TAKEN.contains(&problem.code()) => claim.failed(),
        (Some(_) | None, _) => {}
    }
    outcome
}

/// Counts a new name with the registrations of the client: the response tells whether an account has it. `None` for a
/// new password.
async fn claim(context: &Context, actor: &Actor, new: &Credential) -> Result<Option<Permit>, Problem> {
    let name = match new {
        Credential::Password(_) => return Ok(None),
        Credential::Email(email) => email.key(),
        Credential::Login(login) => login.key(),
    };
    let route = LimitedRoute::Registration;
    let tried = Tried { route, identifier: name, session: &[], account: None };
    Permit::take(context, actor, tried).await.map(Some)
}

/// Sets `new` for the caller, whose password was just checked against `verified`, or who has none. What is already so
/// is not changed: no session ends, and the history has no entry.
///
/// # Errors
///
/// 409 `email_taken` or `login_taken`; 403 `current_password_wrong` when the password changed meanwhile, or
/// `account_frozen`; 401 when the session ended; 503.
pub(super) async fn change(
    context: &Context,
    actor: &Actor,
    verified: Option<&PasswordHash>,
    new: &Credential,
) -> Result<Pair, Problem> {
    let (reason, event) = match new {
        Credential::Password(_) => (EndReason::PasswordChanged, Event::PasswordChanged),
        Credential::Email(_) => (EndReason::EmailChanged, Event::EmailChanged),
        Credential::Login(_) => (EndReason::LoginChanged, Event::LoginChanged),
    };
    let (pair, is_changed) = change_within(context, actor, verified, new, reason).await?;
    if is_changed {
        history::record(context, actor, entry(actor.caller()?, event)).await;
    }
    Ok(pair)
}

/// Locks in the required order: the user, then sessions. The revocation is recorded when all locks are held. Returns
/// whether anything changed, too.
async fn change_within(
    context: &Context,
    actor: &Actor,
    verified: Option<&PasswordHash>,
    new: &Credential,
    reason: EndReason,
) -> Result<(Pair, bool), Problem> {
    let caller = actor.caller()?;
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let account = lock_account(&tx, caller).await?;
    email_changes::check_not_frozen(&*tx, caller.user).await?;
    if !account.has_hash(verified) {
        return Err(Problem::new(Code::CurrentPasswordWrong));
    }
    let session = lock_current(&tx, caller).await?;
    let former = store::address(&*tx, caller.user).await?;
    let respelt = other_spelling(former.as_ref(), new);
    let is_changed = respelt.is_none() && !store::has_credential(&tx, caller.user, new).await?;
    if let Some(email) = respelt {
        store::set_spelling(&tx, caller.user, email).await?;
    }
    if is_changed {
        let generation = set(&tx, actor, caller.user, new).await?;
        end_older(&tx, &context.issuer, caller.user, Some(session.id), generation, reason).await?;
        store::void_links(&tx, caller.user).await?;
    }
    // The token of a user who has just typed the password says so; that of any other, when they signed in.
    let proof = if verified.is_some() { Proof::Now(ProvenBy::Password) } else { Proof::SignIn };
    let pair = renew(context, actor.client(), &tx, session, proof).await?;
    if is_changed {
        let target = NoticeTarget { core: context, tx: &tx, user: caller.user };
        let undo = match (new, &former) {
            (Credential::Email(email), Some(former)) if email.key() != former.key => {
                email_changes::begin_undo(context, &tx, caller.user, former).await?
            }
            _ => None,
        };
        notify(target, actor, new, (former.as_ref(), undo.as_ref())).await?;
    }
    tx.commit().await?;
    Ok((pair, is_changed))
}

/// The new address if it is the former one, perhaps in another spelling: mail goes to the same mailbox.
fn other_spelling<'n>(former: Option<&FormerAddress>, new: &'n Credential) -> Option<&'n EmailAddress> {
    match (former, new) {
        (Some(former), Credential::Email(email)) if former.key == email.key() => Some(email),
        _ => None,
    }
}

/// Sets the credential of a user who proved no more than a session and, where there was one, the password. Returns the new
/// generation of tokens.
async fn set(tx: &Transaction<'_>, actor: &Actor, user: Uuid, new: &Credential) -> Result<u64, Problem> {
    let is_password = matches!(new, Credential::Password(_));
    if is_password {
        former_passwords::store::keep(tx, user).await?;
    }
    let generation = store::set_credential(tx, user, new).await.map_err(taken)?;
    if is_password {
        // No network is known any more, except that of the session that stays.
        known_networks::note(tx, user, actor.address()).await?;
    }
    Ok(generation)
}

async fn notify(
    target: NoticeTarget<'_>,
    actor: &Actor,
    new: &Credential,
    (former, undo): (Option<&FormerAddress>, Option<&LinkToken>),
) -> Result<(), DbError> {
    let client = actor.client().into();
    match new {
        Credential::Password(_) => notices::password_changed(target, client).await,
        Credential::Email(_) => notices::email_changed(target, client, former, undo).await,
        Credential::Login(_) => notices::login_changed(target, client).await,
    }
}

fn entry(caller: Caller, event: Event) -> HistoryEntry {
    HistoryEntry { event, user: Some(caller.user), session: Some(caller.session) }
}
