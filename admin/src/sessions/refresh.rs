//! `POST /api/v1/auth/refresh`: exchanges a refresh token for a new pair.
//!
//! **Order of statements.** The session is locked; then, in a statement of its own, the clock and the
//! generations are read; then, in a later one, roles and status. A role change that commits between the last
//! two results in an old generation with new roles, which the revocation of that change covers. In the
//! reverse order, or all in the statement that waited for the lock, a token with the new generation and the
//! old roles would survive.

mod decide;

use deserr::Deserr;
use http::{HeaderName, HeaderValue};
use serde_json::json;
use utoipa::ToSchema;

use self::decide::{Again, Presented, RefreshDecision, RefreshRefusal, RequestFacts, decide};
use super::history::{self, Event, HistoryEntry};
use super::mint::{Proof, mint};
use super::origin::{ClientOrigin, Distance};
use super::pair::{self, Pair};
use super::refresh_token::{RefreshToken, SealedText};
use super::session::{Device, EndReason, Rotation, Session, Stamp, Standing, after};
use super::store;
use crate::actor::{Client, DeviceText};
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::db::{DbError, Transaction};
use crate::metrics::RefreshCause;
use crate::notices::{self, NoticeTarget};
use crate::revocations::{self, NewRevocation};

/// Why a pair was returned: `current`, `concurrent`, `retry` or `recovered`.
const CAUSE: HeaderName = HeaderName::from_static("x-refresh-cause");

/// The refresh token of the last pair.
#[derive(Deserr, ToSchema)]
#[schema(as = Refresh)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    #[schema(value_type = String, pattern = "^[^\\x00]*$")]
    refresh_token: SealedText,
    /// The last device token, from an app that keeps no cookies.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[!-~]+$", min_length = 1, max_length = 512)]
    device_token: Option<DeviceText>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Sign-in")
        .summary("Exchange a refresh token for the next token pair.")
        .detail(
            "A refresh token is valid once. A repeated request within five minutes, or parallel requests, \
            return the same next token. Any other reuse revokes the session, for example a later one, or \
            repeated reuse from another network or program. A token that a change of the credentials has \
            withdrawn is refused and revokes nothing.",
        )
        .access(Access::Public)
        .body::<Body>(json!({ "refresh_token": pair::EXAMPLE_TOKEN }))
        .answer::<Pair>(200, "The next token pair of the session.", pair::example())
        .answer_header(200, "X-Refresh-Cause", "The cause: `current`, `concurrent`, `retry` or `recovered`.")
        .problems(&[
            Code::RefreshTokenInvalid,
            Code::RefreshTokenUnknown,
            Code::RefreshTokenReused,
            Code::SessionRevoked,
            Code::SessionExpired,
        ])
}

/// Everything that was read and decided under the session's lock.
struct Decided {
    session: Session,
    stamp: Stamp,
    standing: Standing,
    request: RequestFacts,
    outcome: RefreshDecision,
}

/// The outcome of a refresh, after the transaction.
struct Refreshed {
    /// The label in metrics.
    cause: RefreshCause,
    answer: Result<Pair, Code>,
    entries: Vec<HistoryEntry>,
}

impl Refreshed {
    fn changed_nothing(&self) -> bool {
        self.answer.is_err() && self.entries.is_empty()
    }
}

/// Handles the request.
///
/// # Errors
///
/// 401 `refresh_token_invalid`, `refresh_token_unknown`, `session_revoked`, `session_expired` or
/// `refresh_token_reused`; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let Renewed { pair, cause } = perform(request).await?;
    Ok(pair.respond().with_header(CAUSE, HeaderValue::from_static(shown(cause))))
}

/// The next pair, and why it was returned.
pub(crate) struct Renewed {
    pub(crate) pair: Pair,
    cause: RefreshCause,
}

/// What the endpoint does, for a page too.
///
/// # Errors
///
/// As [`handle`].
pub(crate) async fn perform(mut request: Request) -> Result<Renewed, Problem> {
    let form = if request.by_cookie { request.form_with_refresh_token()? } else { request.form()? };
    let body: Body = form.finish()?;
    let Ok(token) = RefreshToken::open(body.refresh_token.expose(), &request.context.refresh_keys) else {
        request.context.metrics.refresh(RefreshCause::Invalid);
        return Err(Problem::new(Code::RefreshTokenInvalid));
    };
    request.client.present(body.device_token);
    let refreshed = refresh(&request.context, &request.client, token).await?;
    request.context.metrics.refresh(refreshed.cause);
    for entry in refreshed.entries {
        history::record(&request.context, &request.actor(), entry).await;
    }
    let pair = refreshed.answer.map_err(Problem::new)?;
    Ok(Renewed { pair, cause: refreshed.cause })
}

async fn refresh(context: &Context, client: &Client, token: RefreshToken) -> Result<Refreshed, Problem> {
    let _place = context.session_places.take(token.session).await;
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let Some(decided) = read_and_decide(context, client, &tx, token).await? else {
        tx.rollback().await?;
        return Ok(refused(RefreshRefusal::Unknown));
    };
    let refreshed = carry_out(context, client, &tx, decided).await?;
    if refreshed.changed_nothing() {
        // Committing a transaction that took a lock would wait for the disk without need.
        tx.rollback().await?;
    } else {
        tx.commit().await?;
    }
    Ok(refreshed)
}

/// Locks and reads, in the order explained at the top of this file. `None` without a session.
async fn read_and_decide(
    context: &Context,
    client: &Client,
    tx: &Transaction<'_>,
    token: RefreshToken,
) -> Result<Option<Decided>, DbError> {
    let Some(mut session) = store::lock(tx, token.session).await? else { return Ok(None) };
    let Some(stamp) = store::stamp(tx, session.user).await? else { return Ok(None) };
    let standing = store::standing(tx, session.user).await?;
    session.state.is_user_active = standing.is_active;
    session.shorten(&standing, &context.config.tokens);
    let deployment_generation = stamp.deployment_generation;
    let sent = client.device.as_ref();
    let device =
        sent.and_then(|sent| context.guessing.device_mark(sent.expose(), context.clock.unix_seconds()));
    let origin = ClientOrigin::of(client);
    let request = RequestFacts { now: stamp.now, deployment_generation, origin, device };
    let presented = Presented { key: token.key, counter: token.counter };
    let outcome = decide(Some(&session.state), presented, &request);
    Ok(Some(Decided { session, stamp, standing, request, outcome }))
}

async fn carry_out(
    context: &Context,
    client: &Client,
    tx: &Transaction<'_>,
    decided: Decided,
) -> Result<Refreshed, Problem> {
    match decided.outcome {
        RefreshDecision::Rotate { counter, recovered, distance } => {
            notify(context, client, tx, &decided.session, distance).await?;
            let noted = noted(&decided.session, distance);
            let mut refreshed = rotate(context, client, tx, decided, counter, recovered).await?;
            refreshed.entries.extend(noted);
            Ok(refreshed)
        }
        RefreshDecision::Again { again, distance } => {
            notify(context, client, tx, &decided.session, distance).await?;
            let noted = noted(&decided.session, distance);
            let mut refreshed = give_again(context, client, tx, decided, again, distance).await?;
            refreshed.entries.extend(noted);
            Ok(refreshed)
        }
        RefreshDecision::Refuse(refusal) => Ok(refused(refusal)),
        RefreshDecision::Reuse => end_reused(context, tx, &decided.session).await,
    }
}

async fn rotate(
    context: &Context,
    client: &Client,
    tx: &Transaction<'_>,
    decided: Decided,
    counter: u64,
    recovered: bool,
) -> Result<Refreshed, Problem> {
    let Decided { mut session, stamp, standing, request: asked, .. } = decided;
    session.state.is_device_returned |= session.state.is_on_its_device(&asked);
    let idle = after(stamp.now, context.config.tokens.session_idle);
    session.state.counter = counter;
    session.state.idle_expires_at = idle.min(session.state.expires_at);
    let rotation = Rotation { at: stamp.now, origin: asked.origin, concurrent: 0 };
    let device = Device::of(client, None);
    store::rotate(tx, &session, &rotation, &device, recovered).await?;
    let pair = mint(context, &session, &stamp, &standing.roles, Proof::SignIn, client.device.as_ref())?;
    if recovered {
        tracing::warn!(
            session = %session.id,
            "Refresh token is newer than the stored state (data loss after a failover?); session continued."
        );
        let entries = vec![entry(&session, Event::RefreshRecovered)];
        return Ok(Refreshed { entries, ..given(RefreshCause::Recovered, pair) });
    }
    Ok(given(RefreshCause::Current, pair))
}

async fn give_again(
    context: &Context,
    client: &Client,
    tx: &Transaction<'_>,
    decided: Decided,
    again: Again,
    distance: Distance,
) -> Result<Refreshed, Problem> {
    let Decided { mut session, stamp, standing, .. } = decided;
    let pair = mint(context, &session, &stamp, &standing.roles, Proof::SignIn, client.device.as_ref())?;
    if distance != Distance::Same {
        session.state.note_repeat(distance, stamp.now);
        store::set_other_origins(tx, session.id, &session.state.nearby, &session.state.elsewhere).await?;
    }
    let cause = match again {
        Again::Concurrent => {
            store::count_concurrent(tx, session.id).await?;
            RefreshCause::Concurrent
        }
        Again::Retry if distance == Distance::Same => RefreshCause::Retry,
        Again::Retry => RefreshCause::RetryElsewhere,
    };
    Ok(given(cause, pair))
}

async fn end_reused(
    context: &Context,
    tx: &Transaction<'_>,
    session: &Session,
) -> Result<Refreshed, Problem> {
    store::end(tx, session.id, EndReason::Reuse).await?;
    revocations::record(tx, &context.issuer, &[NewRevocation::session(session.id)]).await?;
    tracing::warn!(
        session = %session.id,
        user = %session.user,
        "Refresh token reuse detected; session revoked."
    );
    Ok(Refreshed {
        cause: RefreshCause::Reused,
        answer: Err(Code::RefreshTokenReused),
        entries: vec![entry(session, Event::RefreshReused)],
    })
}

fn refused(refusal: RefreshRefusal) -> Refreshed {
    let (cause, code) = match refusal {
        RefreshRefusal::Unknown => (RefreshCause::Unknown, Code::RefreshTokenUnknown),
        RefreshRefusal::Revoked => (RefreshCause::Revoked, Code::SessionRevoked),
        RefreshRefusal::Expired => (RefreshCause::Expired, Code::SessionExpired),
        RefreshRefusal::Ahead => (RefreshCause::Ahead, Code::RefreshTokenUnknown),
    };
    Refreshed { cause, answer: Err(code), entries: Vec::new() }
}

fn given(cause: RefreshCause, pair: Pair) -> Refreshed {
    Refreshed { cause, answer: Ok(pair), entries: Vec::new() }
}

/// The user sees every answer to another origin, also one with the newest token.
fn noted(session: &Session, distance: Distance) -> Option<HistoryEntry> {
    (distance != Distance::Same).then(|| entry(session, Event::RefreshElsewhere))
}

/// Where both the network and the program differ, the user gets a notice, too.
async fn notify(
    context: &Context,
    client: &Client,
    tx: &Transaction<'_>,
    session: &Session,
    distance: Distance,
) -> Result<(), DbError> {
    match distance {
        Distance::Elsewhere => {
            let target = NoticeTarget { core: context, tx, user: session.user };
            notices::refresh_elsewhere(target, client.into()).await
        }
        Distance::Same | Distance::Nearby => Ok(()),
    }
}

fn entry(session: &Session, event: Event) -> HistoryEntry {
    HistoryEntry { event, user: Some(session.user), session: Some(session.id) }
}

/// The client need not learn that its request looked like an attack.
fn shown(cause: RefreshCause) -> &'static str {
    match cause {
        RefreshCause::RetryElsewhere => RefreshCause::Retry.label(),
        cause => cause.label(),
    }
}
