//! `sign-in`: the header of a demo user, for `curl -H @-`.

use std::path::PathBuf;
use std::process::ExitCode;

use harness::Error;

use crate::assignments::RunningSystem;
use crate::people;

/// Prints `Authorization: Bearer ...` for one of the demo users of the running system.
#[derive(Debug, clap::Args)]
pub(crate) struct SignIn {
    /// The file that `up` wrote.
    #[arg(long)]
    env_file: PathBuf,
    /// `viewer`, `subscriber` or `superuser`.
    who: String,
}

impl SignIn {
    pub(crate) async fn run(self) -> Result<ExitCode, Error> {
        let running = RunningSystem::read(&self.env_file)?;
        let person = self.who.to_uppercase();
        let (Ok(email), Ok(password)) =
            (running.value(&format!("{person}_EMAIL")), running.value(&format!("{person}_PASSWORD")))
        else {
            let who = &self.who;
            return Err(Error::Other(format!("the user must be viewer, subscriber or superuser; got {who}")));
        };
        let gateway = running.value("GATEWAY_URL")?;
        match people::sign_in(&format!("{gateway}/api/v1/auth/login"), &email, &password).await? {
            Some(token) => println!("Authorization: Bearer {token}"),
            None => return Err(Error::Other(format!("the password of {email} was changed"))),
        }
        Ok(ExitCode::SUCCESS)
    }
}
