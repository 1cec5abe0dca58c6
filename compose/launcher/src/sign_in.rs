//! `sign-in`: the header of a demo user, for `curl -H @-`.

use std::path::PathBuf;
use std::process::ExitCode;

use harness::Error;

use crate::assignments::read;
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
        let text = std::fs::read_to_string(&self.env_file)
            .map_err(|_| Error::Other("nothing is running; start it first: ./compose/local up".to_owned()))?;
        let values = read(&text);
        let value =
            |name: &str| values.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let person = self.who.to_uppercase();
        let (email, password) = (value(&format!("{person}_EMAIL")), value(&format!("{person}_PASSWORD")));
        let (Some(gateway), Some(email), Some(password)) = (value("GATEWAY_URL"), email, password) else {
            return Err(Error::Other(format!("{} is none of viewer, subscriber, superuser", self.who)));
        };
        match people::sign_in(&format!("{gateway}/api/v1/auth/login"), email, password).await? {
            Some(token) => println!("Authorization: Bearer {token}"),
            None => return Err(Error::Other(format!("{email} has another password now"))),
        }
        Ok(ExitCode::SUCCESS)
    }
}
