//! `admin users disable|enable|sign-out`.

use super::find::find;
use crate::actor::Actor;
use crate::command::terminal::{Failure, say};
use crate::context::Core;
use crate::operators::{disable, enable, end_sessions};

pub(super) async fn disable(core: &Core, user: &str) -> Result<(), Failure> {
    let id = find(core, user).await?;
    disable::disable(core, &Actor::command(), id).await?;
    say(format_args!("Disabled {id}: all sessions are revoked, and the user cannot sign in."))
}

pub(super) async fn enable(core: &Core, user: &str) -> Result<(), Failure> {
    let id = find(core, user).await?;
    enable::enable(core, &Actor::command(), id).await?;
    say(format_args!("Enabled {id}: the user can sign in."))
}

pub(super) async fn sign_out(core: &Core, user: &str) -> Result<(), Failure> {
    let id = find(core, user).await?;
    let count = end_sessions::end_sessions(core, &Actor::command(), id).await?;
    say(format_args!("Signed {id} out: {count} session(s) are revoked."))
}
