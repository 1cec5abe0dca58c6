//! `admin migrate`: brings the schema up to date; replicas may run it concurrently.

use runtime::env::Vars;

use crate::config::DatabaseConfig;
use crate::db::{self, Db};
use crate::users::complete_skeletons;

use super::terminal::{Failure, say};

pub(super) async fn run(vars: &dyn Vars) -> Result<(), Failure> {
    let config = DatabaseConfig::from_vars(vars)?;
    match db::migrate(&config).await? {
        0 => say(format_args!("The schema is up to date."))?,
        applied => say(format_args!("Applied {applied} migration(s)."))?,
    }
    match complete_skeletons(&Db::new(&config).get().await?).await? {
        0 => Ok(()),
        logins => say(format_args!("Computed the look-alike forms of {logins} login name(s).")),
    }
}
