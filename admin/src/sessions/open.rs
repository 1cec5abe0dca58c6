//! Creates a session for a user who has just authenticated.

use uuid::Uuid;

use super::bounds;
use super::history::{Event, HistoryEntry};
use super::mint::{AUTHENTICATION_METHODS, Proof, mint};
use super::origin::ClientOrigin;
use super::pair::Pair;
use super::session::{Device, Session, SessionState, Stamp, after};
use super::store;
use crate::actor::Client;
use crate::api::{Code, Problem};
use crate::context::Context;
use crate::db::Transaction;
use crate::guessing::{DeviceAccount, RefusalEntry, RefusalKind};
use crate::notices::{self, NoticeTarget};
use crate::users::{LockedAccount, known_networks};

/// The only client so far: the cinema itself.
pub(crate) const OWN_CLIENT: &str = "cinema";

/// A new session, and its first token pair.
pub(crate) struct Opened {
    pub(crate) session: Uuid,
    pub(crate) pair: Pair,
    /// The sessions that were ended for it.
    evicted: Vec<Uuid>,
}

impl Opened {
    /// What the login history must contain once the transaction has been committed: the sign-in, and what it ended.
    pub(crate) fn history(&self, user: Uuid, event: Event) -> Vec<HistoryEntry> {
        let entry = |event, session| HistoryEntry { event, user: Some(user), session: Some(session) };
        let ended = self.evicted.iter().map(|session| entry(Event::SessionEvicted, *session));
        [entry(event, self.session)].into_iter().chain(ended).collect()
    }
}

/// How the user has just authenticated. The caller has checked it with the account locked: a concurrent
/// password change, or unlinking of the provider account, either was visible to that check, or waits for this
/// session and revokes it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SignInMethod<'p> {
    /// With the password.
    Password,
    /// With an account at this identity provider.
    Provider(&'p str),
    /// With a code that was mailed to the proven address.
    Mail,
}

/// Creates a session in `tx`, which holds the lock of the account: so sign-ins of one account are counted one after the
/// other.
///
/// # Errors
///
/// 429 `too_many_sessions`; 503.
pub(crate) async fn open(
    tx: &Transaction<'_>,
    context: &Context,
    account: &LockedAccount<'_>,
    method: SignInMethod<'_>,
    device: &Device,
) -> Result<Opened, Problem> {
    let user = account.id();
    // The row exists, because it is locked.
    let stamp = store::stamp(tx, user).await?.ok_or_else(|| Problem::new(Code::InvalidCredentials))?;
    let now = context.clock.unix_seconds();
    let devices = DeviceAccount { user, epoch: stamp.device_epoch };
    let is_known = context.guessing.known_device(device.token.as_ref(), devices, now).is_some();
    let presented = device.token.as_ref().filter(|_| is_known);
    let mark = presented.and_then(|token| context.guessing.device_mark(token.expose(), now));
    let most = context.config.tokens.sessions_per_hour;
    let checked = bounds::check_rate(tx, most, user, mark, stamp.now).await;
    checked.inspect_err(|problem| note_refusal(context, user, device, problem.code()))?;
    let standing = store::standing(tx, user).await?;
    let is_first = store::is_first(tx, user).await?;
    let mut session = new_session(context, user, method, &stamp);
    session.shorten(&standing, &context.config.tokens);
    let pair = mint(context, &session, &stamp, &standing.roles, Proof::SignIn, device.token.as_ref())?;
    session.state.device = context.guessing.device_mark(pair.device_token(), now);
    session.state.is_device_returned = is_known;
    let evicted = bounds::make_room(tx, &context.issuer, user).await?;
    store::insert(tx, &session, device).await?;
    known_networks::note(tx, user, device.address).await?;
    if !is_first && !is_known {
        notices::new_device(NoticeTarget { core: context, tx, user }, device.into()).await?;
    }
    Ok(Opened { session: session.id, pair, evicted })
}

/// The owner must learn that a client had the right password: one entry an hour, with a count.
fn note_refusal(context: &Context, user: Uuid, device: &Device, code: Code) {
    if code == Code::TooManySessions {
        let now = context.clock.unix_seconds();
        let entry = RefusalEntry::new(RefusalKind::TooManySessions, Some(user), device.address, now);
        context.guessing.refusals.count(entry, device.address, None, now);
    }
}

fn new_session(context: &Context, user: Uuid, method: SignInMethod<'_>, stamp: &Stamp) -> Session {
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
        opened_from: ClientOrigin::of(&Client::NONE),
        device: None,
        is_device_returned: false,
        nearby: Vec::new(),
        elsewhere: Vec::new(),
    };
    let [by_password, by_provider, by_mail] = AUTHENTICATION_METHODS;
    let (amr, provider) = match method {
        SignInMethod::Password => (by_password, None),
        SignInMethod::Provider(provider) => (by_provider, Some(provider.to_owned())),
        SignInMethod::Mail => (by_mail, None),
    };
    Session {
        id: context.random.id(),
        user,
        client: OWN_CLIENT.to_owned(),
        authenticated_at: stamp.now,
        amr: vec![amr.to_owned()],
        provider,
        state,
    }
}
