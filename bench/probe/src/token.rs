//! `probe token`: an access token for a load generator that cannot sign in by itself.

use crate::Failure;
use crate::admin::Admin;

/// Arguments of `probe token`.
#[derive(Debug, clap::Args)]
pub(crate) struct Token {
    /// admin's own address.
    #[arg(long, env = "ADMIN_URL")]
    admin: String,
}

impl Token {
    /// Prints the token of a person nobody else is.
    pub(crate) async fn run(&self) -> Result<(), Failure> {
        let admin = Admin::new(&self.admin)?;
        let (email, password) = admin.register().await?;
        println!("{}", admin.sign_in(&email, &password).await?.access);
        Ok(())
    }
}
