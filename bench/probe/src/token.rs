//! `probe token`: an access token for a load generator that cannot sign in.

use crate::admin::AdminClient;
use crate::failure::ProbeError;

/// Arguments of `probe token`.
#[derive(Debug, clap::Args)]
pub(crate) struct PrintToken {
    /// Address of admin, not of the gateway.
    #[arg(long, env = "ADMIN_URL")]
    admin: String,
}

impl PrintToken {
    /// Prints a token of a new user.
    pub(crate) async fn run(&self) -> Result<(), ProbeError> {
        let admin = AdminClient::new(&self.admin)?;
        let (email, password) = AdminClient::create_user()?;
        println!("{}", admin.sign_in(&email, &password).await?.access);
        Ok(())
    }
}
