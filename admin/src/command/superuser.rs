//! `admin superuser`: creates superusers.

use std::sync::Arc;

use clap::Subcommand;
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::actor::Actor;
use crate::audit::{self, Entry};
use crate::config::CommandConfig;
use crate::db::Db;
use crate::keys::{DerivedKeys, Purpose};
use crate::passwords::{Hasher, Password};
use crate::random::SystemRandom;
use crate::users;

use super::{Failure, prompt, say};

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Create a superuser. The password is read from a prompt, or from standard input.
    Create {
        /// The e-mail address for signing in.
        email: String,
    },
}

pub(super) async fn run(action: Action, config: CommandConfig) -> Result<(), Failure> {
    let Action::Create { email } = action;
    let password = Password::new(prompt::new_password()?.expose_secret());
    let hasher = Hasher::new(1, 1, Arc::new(SystemRandom));
    let mut connection = Db::new(&config.database).get().await?;
    let tx = connection.begin().await?;
    let id = users::create_superuser(&*tx, &hasher, &email, &password).await?;
    let keys = DerivedKeys::derive(&config.master_keys, Purpose::Audit);
    let entry = Entry::new(audit::Action::SuperuserGiven, id.to_string(), json!({ "created": true }));
    audit::record(&tx, &keys, &Actor::command(), entry).await?;
    tx.commit().await?;
    say(format_args!("Created the superuser {id}."))
}
