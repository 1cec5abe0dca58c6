//! `POST /api/v1/auth/refresh`: exchanges a refresh token for a new pair.
//!
//! **Order of statements.** The session is locked; then, in a statement of its own, the clock and the
//! generations are read; then, in a later one, roles and status. A change of roles that commits between the
//! last two gives an old generation with new roles, which the revocation of that change kills. Read the other
//! way round, or all in the statement that waited for the lock, a token with the new generation and the old
//! roles would outlive it.

pub(crate) mod decide;
pub(crate) mod origin;
pub(crate) mod token;

use http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use self::decide::{Again, Outcome, Presented, Refusal, Rotation, decide};
use self::origin::Origin;
use self::token::{RefreshToken, SealedText};
use super::history::{self, Entry, Event};
use super::mint::{self, Pair, mint};
use super::open::after;
use super::session::{Device, EndReason, Session, Stamp, Standing};
use super::store;
use crate::api::{Access, Code, Operation, Problem, Request, Response};
use crate::db::{DbError, Transaction};
use crate::revocations::{self, NewRevocation};

/// Says why a pair was given: `current`, `concurrent`, `retry` or `recovered`.
const CAUSE: HeaderName = HeaderName::from_static("x-refresh-cause");

/// What the last pair brought.
#[derive(Deserialize, ToSchema)]
#[schema(as = Refresh)]
#[serde(deny_unknown_fields)]
struct Body {
    #[schema(value_type = String)]
    refresh_token: SealedText,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Sign-in")
        .summary("Exchange a refresh token for the next pair.")
        .detail(
            "A refresh token is good once. Asking again at once, or several times in parallel, gives the \
             same next token; a token that comes back later or from elsewhere ends its session.",
        )
        .access(Access::Public)
        .body::<Body>(json!({ "refresh_token": mint::EXAMPLE_TOKEN }))
        .answer::<Pair>(200, "The next pair of the session.", mint::example())
        .answer_header(200, "X-Refresh-Cause", "Why: `current`, `concurrent`, `retry` or `recovered`.")
        .problems(&[
            Code::RefreshTokenInvalid,
            Code::RefreshTokenUnknown,
            Code::RefreshTokenReused,
            Code::SessionRevoked,
            Code::SessionExpired,
        ])
}

/// Everything that was decided and read under the lock of the session.
struct Decided {
    session: Session,
    stamp: Stamp,
    standing: Standing,
    request: decide::Request,
    outcome: Outcome,
}

/// What has become of a refresh token, the transaction over.
struct Settled {
    /// The metric's label.
    cause: &'static str,
    answer: Result<Pair, Code>,
    entry: Option<Entry>,
}

impl Settled {
    fn changed_nothing(&self) -> bool {
        self.answer.is_err() && self.entry.is_none()
    }
}

/// Handles the request.
///
/// # Errors
///
/// 401 `refresh_token_invalid`, `refresh_token_unknown`, `session_revoked`, `session_expired` or
/// `refresh_token_reused`; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let body: Body = request.json()?;
    let Ok(token) = RefreshToken::open(body.refresh_token.expose(), &request.context.refresh_keys) else {
        request.context.metrics.refresh("invalid");
        return Err(Problem::new(Code::RefreshTokenInvalid));
    };
    let settled = settle(&request, token).await?;
    request.context.metrics.refresh(settled.cause);
    if let Some(entry) = settled.entry {
        history::record(&request, entry).await;
    }
    let pair = settled.answer.map_err(Problem::new)?;
    let cause = HeaderValue::from_static(shown(settled.cause));
    Ok(Response::json(StatusCode::OK, &pair).with_header(CAUSE, cause))
}

async fn settle(request: &Request, token: RefreshToken) -> Result<Settled, Problem> {
    let mut connection = request.context.db.get().await?;
    let tx = connection.begin().await?;
    let Some(decided) = read_and_decide(request, &tx, token).await? else {
        tx.rollback().await?;
        return Ok(refused(Refusal::Unknown));
    };
    let settled = carry_out(request, &tx, decided).await?;
    if settled.changed_nothing() {
        // A commit after a lock would wait for the disk, and for nothing.
        tx.rollback().await?;
    } else {
        tx.commit().await?;
    }
    Ok(settled)
}

/// Takes the lock and reads, in the order that the top of this file explains. `None` without a session.
async fn read_and_decide(
    request: &Request,
    tx: &Transaction<'_>,
    token: RefreshToken,
) -> Result<Option<Decided>, DbError> {
    let Some(mut session) = store::lock(tx, token.session).await? else { return Ok(None) };
    let Some(stamp) = store::stamp(tx, session.user).await? else { return Ok(None) };
    let standing = store::standing(tx, session.user).await?;
    session.state.is_user_active = standing.is_active;
    let origin = Origin::new(request.client.address, request.client.user_agent.as_deref());
    let deployment_generation = stamp.deployment_generation;
    let request = decide::Request { now: stamp.now, deployment_generation, origin };
    let presented = Presented { key: token.key, counter: token.counter };
    let outcome = decide(Some(&session.state), presented, &request);
    Ok(Some(Decided { session, stamp, standing, request, outcome }))
}

async fn carry_out(request: &Request, tx: &Transaction<'_>, decided: Decided) -> Result<Settled, Problem> {
    match decided.outcome {
        Outcome::Rotate { counter, recovered } => rotate(request, tx, decided, counter, recovered).await,
        Outcome::Again(again) => give_again(request, tx, decided, again).await,
        Outcome::Refuse(refusal) => Ok(refused(refusal)),
        Outcome::Reuse => end_reused(request, tx, &decided.session).await,
    }
}

async fn rotate(
    request: &Request,
    tx: &Transaction<'_>,
    decided: Decided,
    counter: u64,
    recovered: bool,
) -> Result<Settled, Problem> {
    let Decided { mut session, stamp, standing, request: asked, .. } = decided;
    let idle = after(stamp.now, request.context.config.tokens.session_idle);
    session.state.counter = counter;
    session.state.idle_expires_at = idle.min(session.state.expires_at);
    let rotation = Rotation { at: stamp.now, origin: asked.origin, concurrent: 0 };
    let device = Device::of(request, None);
    store::rotate(tx, &session, &rotation, &device, recovered).await?;
    let pair = mint(&request.context, &session, &stamp, &standing.roles)?;
    if recovered {
        tracing::warn!(
            session = %session.id,
            "A client was ahead of the store, which must have lost its last moments; its session goes on."
        );
        return Ok(given("recovered", pair, &session, Some(Event::RefreshRecovered)));
    }
    Ok(given("current", pair, &session, None))
}

async fn give_again(
    request: &Request,
    tx: &Transaction<'_>,
    decided: Decided,
    again: Again,
) -> Result<Settled, Problem> {
    let Decided { session, stamp, standing, .. } = decided;
    let pair = mint(&request.context, &session, &stamp, &standing.roles)?;
    match again {
        Again::Concurrent => {
            store::count_concurrent(tx, session.id).await?;
            Ok(given("concurrent", pair, &session, None))
        }
        Again::Retry => Ok(given("retry", pair, &session, None)),
        Again::RetryElsewhere => {
            store::remember_elsewhere(tx, session.id, &session.state.elsewhere, stamp.now).await?;
            Ok(given("retry_elsewhere", pair, &session, Some(Event::RefreshElsewhere)))
        }
    }
}

async fn end_reused(request: &Request, tx: &Transaction<'_>, session: &Session) -> Result<Settled, Problem> {
    store::end(tx, session.id, EndReason::Reuse).await?;
    let issuer = &request.context.config.tokens.issuer;
    revocations::record(tx, issuer, &[NewRevocation::session(session.id)]).await?;
    tracing::warn!(
        session = %session.id,
        user = %session.user,
        "A refresh token that was used up came back; its session was ended."
    );
    let entry = entry(session, Event::RefreshReused);
    Ok(Settled { cause: "reused", answer: Err(Code::RefreshTokenReused), entry: Some(entry) })
}

fn refused(refusal: Refusal) -> Settled {
    let (cause, code) = match refusal {
        Refusal::Unknown => ("unknown", Code::RefreshTokenUnknown),
        Refusal::Revoked => ("revoked", Code::SessionRevoked),
        Refusal::Expired => ("expired", Code::SessionExpired),
        Refusal::Ahead => ("ahead", Code::RefreshTokenUnknown),
    };
    Settled { cause, answer: Err(code), entry: None }
}

fn given(cause: &'static str, pair: Pair, session: &Session, event: Option<Event>) -> Settled {
    Settled { cause, answer: Ok(pair), entry: event.map(|event| entry(session, event)) }
}

fn entry(session: &Session, event: Event) -> Entry {
    Entry { event, user: Some(session.user), session: Some(session.id) }
}

/// A client need not learn that it looked like somebody else.
fn shown(cause: &'static str) -> &'static str {
    if cause == "retry_elsewhere" { "retry" } else { cause }
}
