//! Opens a session for somebody whom a provider vouched for.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::store;
use crate::api::{Code, Problem, Request};
use crate::metrics::SignInOutcome;
use crate::sessions::Pair;
use crate::sessions::history::{self, Entry, Event, Failure};
use crate::sessions::open::{Opened, SignInMethod, open};
use crate::sessions::session::Device;
use crate::users;

/// A user, and the account that they came with.
#[derive(Serialize, Deserialize)]
pub(super) struct Proven {
    pub(super) user: Uuid,
    pub(super) provider: String,
    pub(super) subject: String,
}

/// Signs somebody in on `device`. `gone` is the problem when the account is no longer linked to them.
///
/// # Errors
///
/// 403 `account_disabled`; `gone`; 503.
pub(super) async fn sign_in(
    request: &Request,
    proven: &Proven,
    device: &Device,
    gone: Code,
) -> Result<Pair, Problem> {
    let (context, actor) = (&request.context, request.actor());
    let note = |event, session| Entry { event, user: Some(proven.user), session };
    match open_session(request, proven, device).await? {
        Ok(Opened { session, pair }) => {
            context.metrics.sign_in(SignInOutcome::SignedIn);
            history::record(context, &actor, note(Event::ProviderLogin, Some(session))).await;
            Ok(pair)
        }
        Err(NotOpened::Inactive) => {
            context.metrics.sign_in(SignInOutcome::Refused);
            history::record(context, &actor, note(Event::LoginFailed(Failure::Inactive), None)).await;
            Err(Problem::new(Code::AccountDisabled))
        }
        Err(NotOpened::Unlinked) => Err(Problem::new(gone)),
    }
}

/// Why no session was opened.
enum NotOpened {
    /// The account is disabled.
    Inactive,
    /// The account at the provider is no longer linked to the user.
    Unlinked,
}

/// Checks that the account is still linked with the user locked, whom unlinking locks exclusively.
async fn open_session(
    request: &Request,
    proven: &Proven,
    device: &Device,
) -> Result<Result<Opened, NotOpened>, Problem> {
    let mut connection = request.context.db.get().await?;
    let tx = connection.begin().await?;
    let Some(account) = users::store::lock_for_sign_in(&tx, proven.user).await? else {
        return Ok(Err(NotOpened::Inactive));
    };
    if !store::note_sign_in(&tx, &proven.provider, &proven.subject, proven.user).await? {
        return Ok(Err(NotOpened::Unlinked));
    }
    let method = SignInMethod::Provider(&proven.provider);
    let opened = open(&tx, &request.context, &account, method, device).await?;
    tx.commit().await?;
    Ok(Ok(opened))
}
