//! `POST /api/v1/auth/password/reset`: sets a new password by the token of a link.

use deserr::Deserr;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;
use utoipa::ToSchema;

use super::purpose::LinkPurpose;
use super::store::{self, StoredLink};
use crate::actor::Actor;
use crate::api::text::Opaque;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::config::ConsentVersion;
use crate::context::Context;
use crate::delayed_recovery;
use crate::evict::{Evicted, evict, evict_before_owner};
use crate::guessing::LimitedRoute;
use crate::keys::LinkToken;
use crate::notices::{self, NoticeTarget};
use crate::passwords::{Password, PasswordHash};
use crate::permit::{HashPermit, Tried};
use crate::sessions::history::{self, Event, HistoryEntry};
use crate::sessions::session::EndReason;
use crate::users::consents::{self, ConsentText};
use crate::users::email_changes::check_not_frozen;
use crate::users::email_owner::store::is_in_use;
use crate::users::recoveries::Recovery;
use crate::users::store::{self as users, Credential};
use crate::users::{add_weaknesses, email_owner, finish_form, known_networks};

/// The token of a link, and a new password.
#[derive(Deserr, ToSchema)]
#[schema(as = PasswordReset)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// The part of the link after `#`.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{43}$")]
    token: Opaque,
    /// Must be hard to guess.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    new_password: Password,
    /// For the first password of an account that an operator made, where consent is asked for (`ADMIN_CONSENT_VERSION`): the
    /// version to which the user consents.
    #[deserr(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64, pattern = "^[!-~]+$")]
    consent: Option<ConsentText>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Sign-in")
        .summary("Set a new password by the token of a link.")
        .detail(
            "Revokes all sessions, and opens none: sign in with the new password. Accounts at providers that were \
            linked within the last 30 days are unlinked, except the one that the user was created with; if the link is \
            the first proof of the address, all are. A link is used up by a success only. The same request, \
            repeated within a minute, gets the same response. A link that was mailed proves the address.",
        )
        .access(Access::Public)
        .body::<Body>(json!({
            "token": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0",
            "new_password": "two nights at the pictures"
        }))
        .empty(204, "The password is set.")
        .problems(&[
            Code::CodeExpired,
            Code::AccountDisabled,
            Code::AccountFrozen,
            Code::RecoveryDelayed,
            Code::PasswordWeak,
            Code::ConsentRequired,
            Code::TooManyAttempts,
        ])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired` when the token is unknown, used or expired; 403 `account_disabled` or `account_frozen`; 409
/// `recovery_delayed`; 422 `password_weak` or `consent_required`; 429 `too_many_attempts`; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let form = request.form()?;
    let new = form.text("new_password").map(Password::new);
    let (body, found) = form.read::<Body>();
    let body = finish_form(&request, (LimitedRoute::Reset, "new_password"), (body, found), new).await?;
    let token = LinkToken::received(body.token.as_ref());
    let consent = body.consent.as_ref().map(ConsentText::as_ref);
    reset(&request.context, &request.actor(), &token, (&body.new_password, consent)).await?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

/// Sets a new password for the user of the link.
///
/// # Errors
///
/// As [`handle`].
pub(super) async fn reset(
    context: &Context,
    actor: &Actor,
    token: &LinkToken,
    (new, consent): (&Password, Option<&str>),
) -> Result<(), Problem> {
    let mut found = Findings::default();
    add_weaknesses(&mut found, "new_password", new.form_weaknesses(context.config.password_min));
    found.finish(Some(()))?;
    let hash = token.hash();
    let name = hash.map(|byte| format!("{byte:02x}")).concat();
    let tried = Tried { route: LimitedRoute::Reset, identifier: &name, session: &[], account: None };
    let mut permit = HashPermit::take(context, actor, tried).await?;
    let link = store::find(&*context.db.get().await?, hash).await?;
    let link = link.filter(|link| link.purpose.sets_password());
    let used_with = token.tag_of(&context.link_keys, new).ok_or_else(|| Problem::new(Code::Internal))?;
    let link = match link {
        Some(link) if link.is_live => link,
        Some(link) if link.used_with.as_deref() == Some(&used_with) => {
            permit.succeeded().await;
            return Ok(());
        }
        Some(_) | None => {
            permit.failed();
            return Err(expired());
        }
    };
    let asked = context.config.consent.as_ref();
    let owed = consents::check_first_use(&*context.db.get().await?, link.user, asked, consent).await;
    let consent = match owed {
        Ok(consent) => consent,
        Err(problem) => {
            permit.succeeded().await;
            return Err(problem);
        }
    };
    let own_words = users::find_by_id(&context.db.get().await?, link.user, None).await?;
    let own_words = own_words.map(|account| account.own_words).unwrap_or_default();
    let mut found = Findings::default();
    let weaknesses = permit.judge(new, own_words).await?;
    if !weaknesses.is_empty() {
        permit.spent().await;
        add_weaknesses(&mut found, "new_password", weaknesses);
        return found.finish(None);
    }
    let password = permit.hash(new).await?;
    permit.succeeded().await;
    let (evicted, is_first_proof) =
        set(context, actor, (&link, consent), token, password, &used_with).await?;
    if link.purpose == LinkPurpose::Reset {
        context.guessing.return_reset(actor.address(), context.clock.unix_seconds()).await;
    }
    let proved = HistoryEntry { event: Event::EmailVerified, user: Some(link.user), session: None };
    let entries = evicted.history(link.user, Event::PasswordChanged);
    for entry in entries.into_iter().chain(is_first_proof.then_some(proved)) {
        history::record(context, actor, entry).await;
    }
    Ok(())
}

fn expired() -> Problem {
    Problem::new(Code::CodeExpired).detail("Ask for another link.")
}

/// Until when a recovery by the address `key` waits. It was never proved, so it may be another person's than the one who uses
/// the account.
async fn delay(target: NoticeTarget<'_>, actor: &Actor, key: &str) -> Result<Option<Timestamp>, Problem> {
    if !is_in_use(target.tx, target.user).await? {
        return Ok(None);
    }
    match delayed_recovery::note(target, actor.client().into(), key).await? {
        Recovery::Due => Ok(None),
        Recovery::Delayed(at) => Ok(Some(at)),
        Recovery::Objected => Err(expired()),
    }
}

/// Locks the user first, as every change that revokes sessions. Returns what ended, and whether this was the first proof of
/// the address.
async fn set(
    context: &Context,
    actor: &Actor,
    (link, consent): (&StoredLink, Option<&ConsentVersion>),
    token: &LinkToken,
    password: PasswordHash,
    used_with: &str,
) -> Result<(Evicted, bool), Problem> {
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let user = link.user;
    if users::lock_for_change(&tx, user).await?.is_none() {
        return Err(Problem::new(Code::AccountDisabled));
    }
    let person = store::by_id(&tx, user).await?.ok_or_else(expired)?;
    // A link that was mailed counts as long as the account has that address; and a user who has become an operator
    // since must ask an operator, as for a new link.
    let is_elsewhere = link.email_key.is_some() && link.email_key != person.key;
    let has_gained = person.is_operator(&tx).await? && !link.is_for_operator;
    if is_elsewhere || has_gained {
        return Err(expired());
    }
    // An operator who orders a link has decided.
    if link.purpose == LinkPurpose::Reset {
        check_not_frozen(&*tx, user).await?;
    }
    if let (LinkPurpose::Reset, false, Some(key)) = (link.purpose, person.is_verified, &link.email_key)
        && let Some(at) = delay(NoticeTarget { core: context, tx: &tx, user }, actor, key).await?
    {
        tx.commit().await?;
        return Err(delayed_recovery::delayed(at));
    }
    if !store::use_up(&tx, token.hash(), user, used_with).await? {
        return Err(expired());
    }
    users::set_credential(&tx, user, &Credential::Password(password)).await?;
    consents::store::record(&tx, user, consent).await?;
    let is_first_proof = match &link.email_key {
        Some(key) => email_owner::store::verify(&tx, user, key).await?,
        None => false,
    };
    let reason = EndReason::PasswordChanged;
    let evicted = match is_first_proof {
        // What was linked before may be another person's.
        true => evict_before_owner(&tx, &context.issuer, user, &[], reason).await?,
        false => evict(&tx, context, user, reason).await?,
    };
    // The client that has just proved the address must be able to sign in, whatever strangers try.
    known_networks::note(&tx, user, actor.address()).await?;
    let target = NoticeTarget { core: context, tx: &tx, user };
    notices::password_changed(target, actor.client().into()).await?;
    evicted.notify(context, target, actor.client().into()).await?;
    tx.commit().await?;
    Ok((evicted, is_first_proof))
}
