//! The permit to try a password: the only way from a request to a password hash.
//!
//! The attempt is counted in all of its buckets before anything is hashed, so that parallel attempts cannot pass a limit.
//! A success takes its failure back. An attempt that ends without being judged, because this service was overloaded or
//! a store unavailable, takes everything back.

use std::net::IpAddr;

use crate::actor::Actor;
use crate::api::{Code, Problem};
use crate::context::Context;
use crate::guessing::{
    AccountFacts, LimitedRoute, MANY_FAILURES, NewAttempt, RefusalEntry, RefusalKind, RefusedAttempt,
    Reservation, buckets,
};
use crate::limits::Bucket;
use crate::mail::folded;
use crate::metrics::{AttemptOutcome, SignInOutcome};
use crate::passwords::{HashError, HashSlot, Party, Password, PasswordHash, PasswordMatch, Weakness};
use crate::turn::Turn;

/// The longest time after which a refused client is told to try again, in seconds.
const LONGEST_WAIT: u64 = 600;

/// What is tried.
#[derive(Clone, Copy)]
pub(crate) struct Tried<'t> {
    /// By which route.
    pub(crate) route: LimitedRoute,
    /// What was typed to name an account, in the form that is looked up.
    pub(crate) identifier: &'t str,
    /// The session or the flow.
    pub(crate) session: &'t [u8],
    /// The account, if there is one.
    pub(crate) account: Option<AccountFacts>,
}

/// An attempt that was counted.
///
/// Must be judged by [`Self::succeeded`], [`Self::spent`] or [`Self::failed`]; if it is dropped before, it counts nowhere.
pub(crate) struct Permit {
    context: Context,
    bucket: Bucket,
    address: Option<IpAddr>,
    reservation: Option<Reservation>,
}

/// A permit to hash, with a place in the hash queue.
pub(crate) struct HashPermit {
    // Dropped before the permit: the slot is for hashing only.
    /// Taken before the first hash.
    slot: Option<HashSlot>,
    party: Party,
    /// The place of the request.
    turn: Option<Turn>,
    permit: Permit,
}

impl Permit {
    /// Counts work that hashes no password.
    ///
    /// # Errors
    ///
    /// 429 `too_many_attempts`.
    pub(crate) async fn take(context: &Context, actor: &Actor, tried: Tried<'_>) -> Result<Self, Problem> {
        let attempt = attempt(context, actor, tried);
        let reservation = reserve(context, actor, &attempt).await?;
        Ok(Self::of(context, &attempt, reservation))
    }

    fn of(context: &Context, attempt: &NewAttempt<'_>, reservation: Reservation) -> Self {
        let counted = buckets(attempt.route, reservation.client).first();
        let bucket = counted.map_or(Bucket::AddressAttempts, |(bucket, _)| *bucket);
        Self { context: context.clone(), bucket, address: attempt.address, reservation: Some(reservation) }
    }

    /// The work was done, or the password was right: what counts failures gets its count back.
    pub(crate) async fn succeeded(mut self) {
        self.context.metrics.attempt(self.bucket.name(), AttemptOutcome::Succeeded);
        if let Some(reservation) = self.reservation.take() {
            self.context.guessing.limiter.give_back(reservation, Bucket::counts_failures).await;
        }
    }

    /// The request was refused after its new password was judged: only that work stays counted.
    pub(crate) async fn spent(mut self) {
        self.context.metrics.attempt(self.bucket.name(), AttemptOutcome::Failed);
        if let Some(reservation) = self.reservation.take() {
            let returned = |bucket: Bucket| !bucket.counts_work();
            self.context.guessing.limiter.give_back(reservation, returned).await;
        }
    }

    /// The password was wrong: the attempt stays counted.
    pub(crate) fn failed(mut self) {
        self.context.metrics.attempt(self.bucket.name(), AttemptOutcome::Failed);
        drop(self.reservation.take());
        let now = self.context.clock.unix_seconds();
        if let Some(address) =
            self.address.filter(|address| self.context.guessing.slowed.failed(*address, now))
        {
            tracing::warn!(client = %address, failures = MANY_FAILURES, "Many wrong passwords or codes from this address.");
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(reservation) = self.reservation.take() else { return };
        self.context.metrics.attempt(self.bucket.name(), AttemptOutcome::NotJudged);
        let context = self.context.clone();
        // Not if the process ends: then the count stays, and expires.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { context.guessing.limiter.give_back(reservation, |_| true).await });
        }
    }
}

impl HashPermit {
    /// Counts the attempt. The slot in the hash queue is taken by the first hash.
    ///
    /// # Errors
    ///
    /// 429 `too_many_attempts`, with the same body whether or not the account exists.
    pub(crate) async fn take(context: &Context, actor: &Actor, tried: Tried<'_>) -> Result<Self, Problem> {
        let attempt = attempt(context, actor, tried);
        let reservation = reserve(context, actor, &attempt).await.inspect_err(|_| {
            if attempt.route == LimitedRoute::Login {
                context.metrics.sign_in(SignInOutcome::Throttled);
            }
        })?;
        let party = context.guessing.party(&attempt, &reservation);
        let permit = Permit::of(context, &attempt, reservation);
        Ok(Self { slot: None, party, turn: actor.turn().cloned(), permit })
    }

    /// As [`HashSlot::compare`], and after a failure as [`HashSlot::wait_as_failed`].
    pub(crate) async fn verify(
        &mut self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<PasswordMatch, HashError> {
        let verdict = self.slot()?.compare(password, hash).await;
        if !matches!(verdict, Ok(PasswordMatch::Yes | PasswordMatch::YesButOutdated)) {
            self.wait_as_failed().await;
        }
        verdict
    }

    /// As [`Hasher::judge`](crate::passwords::Hasher::judge).
    pub(crate) async fn judge(
        &self,
        password: &Password,
        own_words: Vec<String>,
    ) -> Result<Vec<Weakness>, HashError> {
        self.permit.context.hasher.judge(self.party, password, own_words).await
    }

    /// As [`HashSlot::wait_as_failed`]. Meanwhile another request has the place of this one.
    pub(crate) async fn wait_as_failed(&self) {
        if let Some(turn) = &self.turn {
            turn.give_back();
        }
        if let Some(slot) = &self.slot {
            slot.wait_as_failed().await;
        }
    }

    /// As [`HashSlot::hash`].
    pub(crate) async fn hash(&mut self, password: &Password) -> Result<PasswordHash, HashError> {
        self.slot()?.hash(password).await
    }

    fn slot(&mut self) -> Result<&mut HashSlot, HashError> {
        let slot = match self.slot.take() {
            Some(slot) => slot,
            None => self.permit.context.hasher.reserve(self.party)?,
        };
        Ok(self.slot.insert(slot))
    }

    /// As [`Permit::succeeded`]. The slot becomes free.
    pub(crate) async fn succeeded(self) {
        let Self { slot, permit, .. } = self;
        drop(slot);
        permit.succeeded().await;
    }

    /// As [`Permit::spent`]. The slot becomes free.
    pub(crate) async fn spent(self) {
        let Self { slot, permit, .. } = self;
        drop(slot);
        permit.spent().await;
    }

    /// As [`Permit::failed`]. The slot becomes free.
    pub(crate) fn failed(self) {
        self.permit.failed();
    }
}

async fn reserve(context: &Context, actor: &Actor, attempt: &NewAttempt<'_>) -> Result<Reservation, Problem> {
    let now = context.clock.unix_seconds();
    let reserved = context.guessing.reserve(attempt, now).await;
    if reserved.as_ref().is_ok_and(|reservation| reservation.is_slow) {
        note_slow(context, attempt, now);
    }
    reserved.map_err(|refused| refuse(context, actor, attempt, refused, now))
}

/// Says once for each address and window that its attempts are handled after those of others.
fn note_slow(context: &Context, attempt: &NewAttempt<'_>, now: u64) {
    if let Some(address) = attempt.address.filter(|address| context.guessing.slowed.is_first(*address, now)) {
        tracing::warn!(
            client = %address,
            "Too many attempts from this address: further ones are slow, and one a minute for each name."
        );
    }
}

/// Whether a client may cause another mail of this kind to the mailbox of an address, in lower case; counts it if so. Known
/// devices and networks of the account have mails of their own beside those that strangers may ask for.
pub(crate) async fn may_mail(
    context: &Context,
    actor: &Actor,
    (kind, key): (&str, &str),
    account: Option<AccountFacts>,
) -> bool {
    let mailbox = format!("{kind} {}", folded(key));
    let tried = Tried { route: LimitedRoute::Mail, identifier: &mailbox, session: &[], account };
    let now = context.clock.unix_seconds();
    context.guessing.reserve(&attempt(context, actor, tried), now).await.is_ok()
}

fn attempt<'t>(context: &Context, actor: &Actor, tried: Tried<'t>) -> NewAttempt<'t> {
    let (guessing, client) = (&context.guessing, actor.client());
    let now = context.clock.unix_seconds();
    let known = |facts: AccountFacts| guessing.known_device(client.device.as_ref(), facts.devices, now);
    NewAttempt {
        route: tried.route,
        identifier: tried.identifier,
        session: tried.session,
        account: tried.account,
        device: tried.account.and_then(known),
        address: client.address,
        is_shared: guessing.is_shared(client.address),
    }
}

/// Notes a refusal, and returns its problem.
fn refuse(
    context: &Context,
    actor: &Actor,
    attempt: &NewAttempt<'_>,
    refused: RefusedAttempt,
    now: u64,
) -> Problem {
    let RefusedAttempt { bucket, wait, .. } = refused;
    context.metrics.attempt(bucket.name(), AttemptOutcome::Refused);
    if bucket == Bucket::CodeFlow {
        // There is no further try in this flow, whenever the client comes.
        return Problem::new(Code::CodeExpired).detail("Too many wrong codes; ask for another one.");
    }
    let user = attempt.account.map(|facts| facts.devices.user);
    let entry = RefusalEntry::new(RefusalKind::Refused(bucket), user, attempt.address, now);
    if context.guessing.refusals.count(entry, attempt.address, actor.request_id(), now) {
        tracing::warn!(
            bucket = bucket.name(),
            user = user.map(tracing::field::display),
            client = attempt.address.map(tracing::field::display),
            "Too many attempts: further ones in this bucket are refused for a while."
        );
    }
    let seconds = u32::try_from(wait.clamp(1, LONGEST_WAIT)).unwrap_or(1);
    Problem::new(Code::TooManyAttempts).detail(ways(context, attempt.route)).retry_after(seconds)
}

/// The ways that stay open: the same for every account, also for those that do not exist.
fn ways(context: &Context, route: LimitedRoute) -> &'static str {
    match route {
        LimitedRoute::Login => match (!context.config.providers.all.is_empty(), context.outbox.is_on()) {
            (false, false) => {
                "Sign in from a device or a network that you have used before, or try again later."
            }
            (true, false) => {
                "Sign in from a device or a network that you have used before, or with an account at an identity \
                 provider, or try again later."
            }
            (false, true) => {
                "Sign in from a device or a network that you have used before, or with a code by mail \
                 (`POST /auth/mail-code`), or try again later."
            }
            (true, true) => {
                "Sign in from a device or a network that you have used before, with an account at an identity provider, \
                 or with a code by mail (`POST /auth/mail-code`), or try again later."
            }
        },
        LimitedRoute::Confirmation
        | LimitedRoute::Change
        | LimitedRoute::Registration
        | LimitedRoute::ProviderStart
        | LimitedRoute::Forgot
        | LimitedRoute::Reset
        | LimitedRoute::Undo
        | LimitedRoute::CodeRequest
        | LimitedRoute::Code
        | LimitedRoute::Mail => "Try again later.",
    }
}
