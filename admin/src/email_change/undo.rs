//! `POST /api/v1/auth/email/undo`: the owner takes the former address back.
//!
//! **The link alone is not enough**: the next holder of the mailbox has it, too. The owner also knows the password from before
//! the change, or has a device that was known before it. **A new password is set with it**, because the thief may know the
//! current one and the one before.

use deserr::Deserr;
use http::StatusCode;
use serde_json::json;
use utoipa::ToSchema;

use super::freeze::{expired, find};
use crate::actor::{Actor, DeviceText};
use crate::api::text::Opaque;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::db::Transaction;
use crate::erasure;
use crate::evict::{Evicted, evict};
use crate::guessing::{DeviceAccount, LimitedRoute};
use crate::keys::LinkToken;
use crate::notices::{self, NoticeTarget};
use crate::passwords::{Password, PasswordHash, PasswordMatch};
use crate::permit::{HashPermit, Tried};
use crate::sessions::history::{self, Event, HistoryEntry};
use crate::sessions::session::EndReason;
use crate::sessions::store::standing;
use crate::users::email_changes::store::{self, StoredChange};
use crate::users::email_owner::store as owners;
use crate::users::store::{self as users, Credential};
use crate::users::{Account, add_weaknesses, finish_form, known_networks, taken};

/// The token of a link, the password from before the change, and a new one.
#[derive(Deserr, ToSchema)]
#[schema(as = EmailUndo)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// The part of the link after `#`.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{43}$")]
    token: Opaque,
    /// The password from before the change. May be omitted on a device that the account was used on before, unless the user
    /// holds a permission of this service.
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = Password, pattern = "^[^\\x00]*$")]
    former_password: Option<Password>,
    /// Must be hard to guess.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    new_password: Password,
    /// The device token of an earlier pair, from an app that keeps no cookies.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[!-~]+$", min_length = 1, max_length = 512)]
    device_token: Option<DeviceText>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Sign-in")
        .summary("Take the former e-mail address back.")
        .detail(
            "By the link of the mail to the former address, within 72 hours of the change, with the password from before it, \
            or on a device that was known before it. The account gets that address and the new password. All sessions are \
            revoked, and accounts at providers that were linked within 30 days are unlinked; an erasure that the account asked \
            for is cancelled. It opens no session: sign in with the new password. The same request, repeated within a minute, \
            gets the same response.",
        )
        .access(Access::Public)
        .body::<Body>(json!({
            "token": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0",
            "former_password": "correct horse battery staple",
            "new_password": "two nights at the pictures"
        }))
        .empty(204, "The account has the former address again.")
        .problems(&[
            Code::CodeExpired,
            Code::CurrentPasswordWrong,
            Code::AccountDisabled,
            Code::EmailTaken,
            Code::PasswordWeak,
            Code::TooManyAttempts,
        ])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired` when the token is unknown, used or expired; 403 `current_password_wrong` or `account_disabled`; 422
/// `password_weak`; 429 `too_many_attempts`; 503.
pub async fn handle(mut request: Request) -> Result<Response, Problem> {
    let form = request.form()?;
    let new = form.text("new_password").map(Password::new);
    let (body, found) = form.read::<Body>();
    let body = finish_form(&request, (LimitedRoute::Reset, "new_password"), (body, found), new).await?;
    request.client.present(body.device_token);
    let token = LinkToken::received(body.token.as_ref());
    let passwords = (body.former_password.as_ref(), &body.new_password);
    undo(&request.context, &request.actor(), &token, passwords).await?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

/// Undoes the change of a link.
///
/// # Errors
///
/// As [`handle`].
pub(super) async fn undo(
    context: &Context,
    actor: &Actor,
    token: &LinkToken,
    (former, new): (Option<&Password>, &Password),
) -> Result<(), Problem> {
    let mut found = Findings::default();
    add_weaknesses(&mut found, "new_password", new.form_weaknesses(context.config.password_min));
    found.finish(Some(()))?;
    let change = find(context, actor, token).await?.ok_or_else(expired)?;
    let with = token.tag_of(&context.link_keys, new).ok_or_else(|| Problem::new(Code::Internal))?;
    if !change.is_live {
        return if change.undone_with.as_ref() == Some(&with) { Ok(()) } else { Err(expired()) };
    }
    let account = users::find_by_id(&context.db.get().await?, change.user, actor.address()).await?;
    let account = account.ok_or_else(expired)?;
    let mut permit = prove(context, actor, token, (&change, &account), former).await?;
    let mut found = Findings::default();
    let mut words = account.own_words.clone();
    words.push(change.former.key.clone());
    let weaknesses = permit.judge(new, words).await?;
    if !weaknesses.is_empty() {
        permit.spent().await;
        add_weaknesses(&mut found, "new_password", weaknesses);
        return found.finish(None);
    }
    let password = permit.hash(new).await?;
    permit.succeeded().await;
    let Some(evicted) = restore(context, actor, (&change, token), password, &with).await? else {
        // A request with the same token was first; perhaps it was the same request.
        let change = store::find(&*context.db.get().await?, token.hash()).await?;
        let is_same = change.is_some_and(|change| change.undone_with.as_ref() == Some(&with));
        return if is_same { Ok(()) } else { Err(expired()) };
    };
    let entry = |event| HistoryEntry { event, user: Some(change.user), session: None };
    let entries = evicted.history(change.user, Event::EmailChanged);
    for entry in entries.into_iter().chain([entry(Event::PasswordChanged)]) {
        history::record(context, actor, entry).await;
    }
    Ok(())
}

/// Checks that the client knows the password from before the change, or is a device that was known before it. It is counted by
/// the link alone: what a thief tries elsewhere must not keep the owner from undoing.
async fn prove(
    context: &Context,
    actor: &Actor,
    token: &LinkToken,
    (change, account): (&StoredChange, &Account),
    former: Option<&Password>,
) -> Result<HashPermit, Problem> {
    // Of the devices from before the change: a thief who has changed the password since has made all devices unknown.
    let epochs = [Some(change.device_epoch), change.earlier.as_ref().map(|(_, epoch)| *epoch)];
    let hash = token.hash();
    let name = hash.map(|byte| format!("{byte:02x}")).concat();
    let tried = Tried { route: LimitedRoute::Undo, identifier: &name, session: &hash, account: None };
    let mut permit = HashPermit::take(context, actor, tried).await?;
    let Some(former) = former else {
        let (device, now) = (actor.client().device.as_ref(), context.clock.unix_seconds());
        let is_known = epochs.into_iter().flatten().any(|epoch| {
            let devices = DeviceAccount { user: change.user, epoch };
            context.guessing.known_device(device, devices, now).is_some()
        });
        if is_known && !is_operator(context, account).await? {
            return Ok(permit);
        }
        let why = "Send `former_password`, the password from before the change.";
        return Err(Problem::new(Code::CurrentPasswordWrong).detail(why));
    };
    // The password from before the change, or the one that a session had replaced before: always both, so that the time does
    // not tell whether there is another one.
    let earlier = change.earlier.as_ref().and_then(|(hash, _)| hash.as_ref());
    let mut is_right = false;
    for hash in [change.password_hash.as_ref(), earlier] {
        let verdict = permit.verify(former, hash).await?;
        is_right |= hash.is_some() && verdict != PasswordMatch::No;
    }
    if is_right {
        return Ok(permit);
    }
    permit.failed();
    let entry = HistoryEntry { event: Event::ProofFailed, user: Some(change.user), session: None };
    history::record(context, actor, entry).await;
    Err(Problem::new(Code::CurrentPasswordWrong))
}

/// For a user who may act on others, a mailbox and a device are not enough.
async fn is_operator(context: &Context, account: &Account) -> Result<bool, Problem> {
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let is_operator = standing(&tx, account.id).await?.is_operator;
    tx.rollback().await?;
    Ok(is_operator)
}

/// Locks the user first, as every change that revokes sessions. `None` when the change cannot be undone any more.
async fn restore(
    context: &Context,
    actor: &Actor,
    (change, token): (&StoredChange, &LinkToken),
    password: PasswordHash,
    with: &str,
) -> Result<Option<Evicted>, Problem> {
    let user = change.user;
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    users::lock_all(&tx, &[user]).await?;
    // A thief may have asked for the erasure, too.
    let kept = erasure::keep_if_asked_by_user(&tx, user).await?;
    if users::lock_for_change(&tx, user).await?.is_none() {
        return Err(Problem::new(Code::AccountDisabled));
    }
    if !store::use_up(&tx, token.hash(), user, with).await? {
        return Ok(None);
    }
    let replaced = users::address(&*tx, user).await?;
    set(&tx, change, password).await?;
    let evicted = evict(&tx, context, user, EndReason::EmailChanged).await?;
    // The client that has just proved to be the owner must be able to sign in, whatever strangers try.
    known_networks::note(&tx, user, actor.address()).await?;
    let target = NoticeTarget { core: context, tx: &tx, user };
    notices::email_restored(target, actor.client().into(), replaced.as_ref()).await?;
    evicted.notify(context, target, actor.client().into()).await?;
    if let Some(erase_at) = kept {
        notices::erasure_kept(target, actor.client().into(), erase_at).await?;
        erasure::record_kept(&tx, context, actor, user).await?;
    }
    tx.commit().await?;
    tracing::info!(%user, "The change of an address was undone.");
    Ok(Some(evicted))
}

async fn set(tx: &Transaction<'_>, change: &StoredChange, password: PasswordHash) -> Result<(), Problem> {
    let former = &change.former;
    owners::set_proven(tx, change.user, (&former.email, &former.key)).await.map_err(taken)?;
    users::set_credential(tx, change.user, &Credential::Password(password)).await?;
    Ok(())
}
