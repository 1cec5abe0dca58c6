//! `POST /api/v1/admin/revocations`: revokes one token, a session, the tokens of a user, a signing key, or everything.

use deserr::Deserr;
use http::StatusCode;
use serde_json::{Value, json};
use shared::revocation::Reason;
use utoipa::ToSchema;
use uuid::Uuid;

use super::reason::OperatorReason;
use crate::access::{caller, lock, rights_of};
use crate::actor::Actor;
use crate::api::text::Text;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::db::Transaction;
use crate::keys::{self, ChangeError, Sealer};
use crate::revocations::{self, NewRevocation};
use crate::sessions::renew::end_older;
use crate::sessions::session::EndReason;
use crate::{sessions, users};

/// What to revoke, of which exactly one must be present, and why.
#[derive(Deserr, ToSchema)]
#[schema(as = RevocationOrder)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// The `jti` of an access token, whose session continues.
    #[deserr(default)]
    token: Option<Uuid>,
    /// A session.
    #[deserr(default)]
    session: Option<Uuid>,
    /// A user, all of whose sessions end.
    #[deserr(default)]
    user: Option<Uuid>,
    /// The `kid` of a signing key, permanently.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[^\\x00]*$")]
    key: Option<Text>,
    /// Everything: all users must sign in again. The issuer of the tokens, to confirm it.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[^\\x00]*$")]
    everything: Option<Text>,
    /// Clients are told that a refresh is enough, and sessions continue. Only with `token` or `user`.
    #[deserr(default)]
    #[serde(default)]
    refresh_only: bool,
    /// For the audit log.
    #[schema(value_type = String, min_length = 1, max_length = 500, pattern = "^[^\\x00]*[^\\x00\\t-\\r ][^\\x00]*$")]
    reason: OperatorReason,
}

/// The members of which exactly one must be present.
const TARGETS: [&str; 5] = ["token", "session", "user", "key", "everything"];

/// What is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RevocationTarget {
    /// One access token.
    Token(Uuid, Reason),
    /// A session.
    Session(Uuid),
    /// All sessions of a user; or with the reason "refresh needed" only the access tokens.
    User(Uuid, Reason),
    /// All tokens of a signing key, permanently.
    Key(String),
    /// All sessions of all users.
    Everything,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Operators")
        .takes_away()
        .summary("Revoke a token, a session, a user's tokens, a key, or everything.")
        .detail("The tokens are refused within milliseconds.")
        .access(Access::Superuser)
        .fresh()
        .body::<Body>(
            json!({ "token": "0193a1af-e27c-7d7e-8f9a-0b1c2d3e4f5a", "reason": "Found in a public log." }),
        )
        .exactly_one(&TARGETS)
        .empty(204, "It is revoked.")
        .problems(&[Code::NotFound])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden` for all but superusers, and for the caller's own account; `fresh_auth_required`; 404 for a session that
/// has ended, and for an unknown user or key; 422; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let caller = caller(&request).await?;
    if !rights_of(&request.context.db.get().await?, caller.user).await?.is_superuser {
        return Err(Problem::new(Code::Forbidden).denied());
    }
    let form = request.form()?;
    let present = TARGETS.iter().filter(|name| form.has(name)).count();
    let (body, mut found) = form.read::<Body>();
    check_targets(&mut found, present);
    let body = found.finish(body)?;
    let (target, reason) = body.read(&request.context.issuer)?;
    revoke(&request.context, request.context.keys.sealer(), &request.actor(), &target, &reason).await?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

fn check_targets(found: &mut Findings, present: usize) {
    let (code, sentence) = match present {
        0 => ("field_missing", "One of `token`, `session`, `user`, `key` or `everything` is required."),
        1 => return,
        _ => ("field_invalid", "Send only one of `token`, `session`, `user`, `key` or `everything`."),
    };
    found.add("token", code, sentence);
}

impl Body {
    fn read(self, issuer: &str) -> Result<(RevocationTarget, String), Problem> {
        let told = if self.refresh_only { Reason::RefreshNeeded } else { Reason::Revoked };
        let key = self.key.map(|key| RevocationTarget::Key(key.as_ref().to_owned()));
        let target = self.token.map(|jti| RevocationTarget::Token(jti, told));
        let target = target.or_else(|| self.user.map(|user| RevocationTarget::User(user, told)));
        let whole = self.session.map(RevocationTarget::Session).or(key);
        let is_confirmed = self.everything.is_some_and(|name| name.as_ref() == issuer);
        let whole = whole.or_else(|| is_confirmed.then_some(RevocationTarget::Everything));
        let mut found = Findings::default();
        if self.refresh_only && target.is_none() {
            found.add("refresh_only", "field_invalid", "Must be false, except with `token` or `user`.");
        }
        let target = target.or(whole);
        if target.is_none() {
            found.add("everything", "field_invalid", "Must be the issuer of the tokens, to confirm it.");
        }
        Ok((found.finish(target)?, String::from(self.reason)))
    }
}

/// Revokes, and records why. A caller must be a superuser.
///
/// # Errors
///
/// As [`handle`].
pub(crate) async fn revoke(
    core: &Core,
    sealer: &Sealer,
    actor: &Actor,
    target: &RevocationTarget,
    reason: &str,
) -> Result<(), Problem> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    let user = match target {
        RevocationTarget::User(user, _) => Some(*user),
        RevocationTarget::Session(session) => sessions::store::owner(&tx, *session).await?,
        RevocationTarget::Token(..) | RevocationTarget::Key(_) | RevocationTarget::Everything => None,
    };
    check(&tx, actor, user).await?;
    let (action, name, detail) = match target {
        RevocationTarget::Token(jti, reason) => {
            record(&tx, core, NewRevocation::token(*jti, *reason)).await?;
            (AuditAction::TokenRevoked, jti.to_string(), json!({}))
        }
        RevocationTarget::Session(session) => end_session(&tx, core, user, *session).await?,
        RevocationTarget::User(user, Reason::Revoked) => end_sessions(&tx, core, *user).await?,
        RevocationTarget::User(user, Reason::RefreshNeeded) => {
            let generation = users::store::advance_generation(&tx, *user).await?;
            record(&tx, core, NewRevocation::user(*user, generation, Reason::RefreshNeeded)).await?;
            (AuditAction::RefreshForced, user.to_string(), json!({}))
        }
        RevocationTarget::Key(kid) => {
            keys::kill(&tx, sealer, kid).await.map_err(not_killed)?;
            record(&tx, core, NewRevocation::key(kid)).await?;
            (AuditAction::KeyKilled, kid.clone(), json!({}))
        }
        RevocationTarget::Everything => {
            let generation = sessions::advance_deployment(&tx).await?;
            record(&tx, core, NewRevocation::deployment(generation)).await?;
            (AuditAction::AllRevoked, core.issuer.to_string(), json!({ "generation": generation }))
        }
    };
    let entry = AuditEntry::new(action, name, detail).reason(Some(reason));
    audit::record(&tx, &core.audit_keys, actor, entry).await?;
    Ok(tx.commit().await?)
}

/// Locks the user concerned and the caller, who must still be a superuser and another user.
async fn check(tx: &Transaction<'_>, actor: &Actor, user: Option<Uuid>) -> Result<(), Problem> {
    let concerned: Vec<Uuid> = user.into_iter().collect();
    let locked = lock(tx, actor, &concerned).await?;
    if !locked.rights.is_superuser {
        return Err(Problem::new(Code::Forbidden).denied());
    }
    if user.is_some() && actor.user() == user {
        let why = "You cannot do this to your own account; use the routes below `/me`.";
        return Err(Problem::new(Code::Forbidden).detail(why).denied());
    }
    if locked.users != concerned {
        return Err(Problem::new(Code::NotFound));
    }
    Ok(())
}

async fn end_session(
    tx: &Transaction<'_>,
    core: &Core,
    user: Option<Uuid>,
    session: Uuid,
) -> Result<(AuditAction, String, Value), Problem> {
    let user = user.ok_or_else(|| Problem::new(Code::NotFound))?;
    if !sessions::end_one_of(tx, session, user, EndReason::Admin).await? {
        return Err(Problem::new(Code::NotFound));
    }
    record(tx, core, NewRevocation::session(session)).await?;
    Ok((AuditAction::SessionEnded, user.to_string(), json!({ "session_id": session })))
}

async fn end_sessions(
    tx: &Transaction<'_>,
    core: &Core,
    user: Uuid,
) -> Result<(AuditAction, String, Value), Problem> {
    let generation = users::store::advance_generation(tx, user).await?;
    users::store::forget_devices_and_networks(tx, user).await?;
    let revoked = end_older(tx, &core.issuer, user, None, generation, EndReason::Admin).await?;
    Ok((AuditAction::SessionsEnded, user.to_string(), json!({ "sessions_ended": revoked })))
}

async fn record(tx: &Transaction<'_>, core: &Core, revocation: NewRevocation) -> Result<(), Problem> {
    Ok(revocations::record(tx, &core.issuer, &[revocation]).await?)
}

fn not_killed(error: ChangeError) -> Problem {
    match error {
        ChangeError::Unknown(_) | ChangeError::AlreadyKilled(_) => Problem::new(Code::NotFound),
        ChangeError::Database(error) => error.into(),
        ChangeError::Key(_) | ChangeError::TooEarly { .. } => Problem::new(Code::Internal),
    }
}
