//! `admin users disable|enable|sign-out|evict|unfreeze`.

use super::find::find;
use crate::actor::Actor;
use crate::command::terminal::{Failure, moment, say};
use crate::context::Core;
use crate::operators::{disable, enable, end_sessions, evict, unfreeze};

pub(super) async fn disable(core: &Core, user: &str) -> Result<(), Failure> {
    let id = find(core, user).await?;
    disable::disable(core, &Actor::command(), id).await?;
    say(format_args!("Disabled {id}: all sessions are revoked, and the user cannot sign in."))
}

pub(super) async fn enable(core: &Core, user: &str) -> Result<(), Failure> {
    let id = find(core, user).await?;
    match enable::enable(core, &Actor::command(), id).await? {
        None => say(format_args!("Enabled {id}: the user can sign in.")),
        Some(erase_at) => say(format_args!(
            "The account {id} will be erased at {}, so it is not active yet. It is active if the user keeps it: ask the user to \
             sign in before and choose to keep the account. An operator cannot do that.",
            moment(erase_at)
        )),
    }
}

pub(super) async fn sign_out(core: &Core, user: &str) -> Result<(), Failure> {
    let id = find(core, user).await?;
    let count = end_sessions::end_sessions(core, &Actor::command(), id).await?;
    say(format_args!("Signed {id} out: {count} session(s) are revoked."))
}

pub(super) async fn evict(core: &Core, user: &str, reason: &str) -> Result<(), Failure> {
    let id = find(core, user).await?;
    let evicted = evict::evict_from(core, &Actor::command(), id, Some(reason)).await?;
    let names = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    say(format_args!(
        "Evicted from {id}: {} session(s) are revoked. Unlinked: {}. Still linked: {}.",
        evicted.sessions,
        names(&evicted.unlinked),
        names(&evicted.linked)
    ))
}

pub(super) async fn unfreeze(core: &Core, user: &str, reason: &str) -> Result<(), Failure> {
    let id = find(core, user).await?;
    match unfreeze::unfreeze(core, &Actor::command(), id, reason).await? {
        true => say(format_args!("The account {id} is no longer frozen.")),
        false => say(format_args!("The account {id} was not frozen.")),
    }
}
