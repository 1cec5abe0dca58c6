//! `probe token`: an access token for a load generator that cannot sign in.

use crate::admin::Admin;
use crate::failure::Failure;

/// Arguments of `probe token`.
#[derive(Debug, clap::Args)]
pub(crate) struct Token {
    /// Address of admin, not of the gateway.
    #[arg(long, env = "ADMIN_URL")]
    admin: String,
}

impl Token {
    /// Prints a token of a new user.
    pub(crate) async fn run(&self) -> Result<(), Failure> {
        let admin = Admin::new(&self.admin)?;
        let (email, password) = admin.register().await?;
        println!("{}", admin.sign_in(&email, &password).await?.access);
        Ok(())
    }
}
