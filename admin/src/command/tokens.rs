//! `admin tokens`: revokes one access token.

use clap::Subcommand;
use shared::revocation::Reason;
use uuid::Uuid;

use crate::actor::Actor;
use crate::config::CommandConfig;
use crate::context::Core;
use crate::keys::Keys;
use crate::operators::reason::reason;
use crate::operators::revoke::{RevocationTarget, revoke};

use super::terminal::{Failure, say};

#[derive(Debug, Subcommand)]
pub(super) enum TokensCommand {
    /// Refuse one access token; its session continues. Example: admin tokens revoke 0193a1af-e27c-7d7e-8f9a-0b1c2d3e4f5a
    /// --reason "Found in a public log"
    Revoke {
        /// The claim `jti` of the token.
        jti: Uuid,
        /// Why, for the audit log.
        #[arg(long, value_parser = reason)]
        reason: String,
        /// Clients are told that a refresh is enough.
        #[arg(long)]
        refresh: bool,
    },
}

pub(super) async fn run(action: TokensCommand, core: &Core, config: &CommandConfig) -> Result<(), Failure> {
    let TokensCommand::Revoke { jti, reason, refresh } = action;
    let told = if refresh { Reason::RefreshNeeded } else { Reason::Revoked };
    let keys = Keys::new(&config.master_keys);
    revoke(core, keys.sealer(), &Actor::command(), &RevocationTarget::Token(jti, told), &reason).await?;
    say(format_args!("Revoked the access token {jti}. Its session continues."))
}
