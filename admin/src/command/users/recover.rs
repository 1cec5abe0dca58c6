//! `admin users send-reset|invite|set-email`: a way back into an account, by mail or by a link on this terminal.

use std::io::IsTerminal as _;

use serde_json::json;
use url::Url;

use crate::actor::Actor;
use crate::config;
use crate::context::Core;
use crate::keys::LinkToken;
use crate::operators::{invite, send_reset, set_email};
use crate::users::EmailAddress;
use runtime::env::Vars;

use super::find::find;
use crate::command::terminal::{Failure, UsageError, say};

/// Whether a link is mailed or printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinkWay {
    Mail,
    Terminal,
}

impl LinkWay {
    pub(super) fn of(prints: bool) -> Self {
        if prints { Self::Terminal } else { Self::Mail }
    }
}

pub(super) async fn send_reset(
    core: &Core,
    vars: &dyn Vars,
    user: &str,
    reason: &str,
    way: LinkWay,
) -> Result<(), Failure> {
    let base = base_to_print(vars, way)?;
    let id = find(core, user).await?;
    match base {
        None => {
            send_reset::send(core, &Actor::command(), id, reason).await?;
            say(format_args!("A link to set a new password will be mailed to the address of {id}."))
        }
        Some(base) => show(&base, &send_reset::print(core, &Actor::command(), id, reason).await?, "one hour"),
    }
}

pub(super) async fn invite(
    core: &Core,
    vars: &dyn Vars,
    (email, reason): (&EmailAddress, &str),
    way: LinkWay,
    json: bool,
) -> Result<(), Failure> {
    match base_to_print(vars, way)? {
        None => {
            let id = invite::invite(core, &Actor::command(), email, reason).await?;
            if json {
                return say(format_args!("{}", json!({ "user_id": id })));
            }
            say(format_args!("Created {id}. A link to set a password will be mailed."))
        }
        Some(base) => {
            let (id, token) = invite::print(core, &Actor::command(), email, reason).await?;
            say(format_args!("Created {id}."))?;
            show(&base, &token, "seven days")
        }
    }
}

pub(super) async fn set_email(
    core: &Core,
    user: &str,
    email: EmailAddress,
    reason: &str,
) -> Result<(), Failure> {
    let id = find(core, user).await?;
    set_email::set(core, &Actor::command(), id, email, reason).await?;
    say(format_args!("Set the address of {id}. It counts as unproven, and all sessions are revoked."))
}

/// The base of a link that is printed. A link is a secret, so it is printed on a terminal only, never into a file or a pipe.
fn base_to_print(vars: &dyn Vars, way: LinkWay) -> Result<Option<Url>, Failure> {
    if way == LinkWay::Mail {
        return Ok(None);
    }
    if !std::io::stdout().is_terminal() {
        return Err(UsageError("--print shows a secret link; run the command on a terminal").into());
    }
    Ok(Some(config::public_url(vars)?))
}

fn show(base: &Url, token: &LinkToken, life: &str) -> Result<(), Failure> {
    say(format_args!("Pass this link on to the user; it is valid for {life}, and once:"))?;
    say(format_args!("{base}account/reset#{}", token.expose()))
}
