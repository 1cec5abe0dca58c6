//! `probe failure-times`: whether the time of a failed sign-in tells what failed.

use serde_json::json;
use std::time::Duration;

use crate::client::{ForwardedClient, honest_address};
use crate::create_user::create_user;
use crate::failure::ProbeError;
use crate::quantiles::Quantiles;

/// An account gets fewer wrong passwords than the limit of an identifier.
const EACH: u32 = 5;

/// A throttled identifier is refused this often.
const REFUSED_EACH: u32 = 50;

/// As many wrong passwords exhaust the limit of an identifier, with some more.
const EXHAUSTING: u32 = 12;

/// The first number of the addresses of the throttled sign-ins: no bucket of an address or a network decides.
const THROTTLED_FROM: u32 = 4_000;

/// The same for the sign-ins that exhaust the limits.
const EXHAUSTED_FROM: u32 = 8_000;

/// An outcome: all users get the same answer, and the first cause has no account.
struct Outcome {
    status: u16,
    causes: &'static [&'static str],
}

const REFUSED: Outcome =
    Outcome { status: 401, causes: &["unknown", "wrong", "disabled", "other-parameters", "imported"] };
const THROTTLED: Outcome = Outcome { status: 429, causes: &["throttled-unknown", "throttled-wrong"] };

/// Arguments of `probe failure-times`.
#[derive(Debug, clap::Args)]
pub(crate) struct FailureTimes {
    /// Address of admin, not of the gateway.
    #[arg(long, env = "ADMIN_URL")]
    admin: String,
    /// Number of sign-ins for each cause.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(10..=2_000))]
    times: u32,
    /// The name of the run, in the addresses of its accounts: `<cause>-<run>-<number>@example.com`.
    #[arg(long)]
    run: String,
    /// Only register the accounts, and print those of `imported` for `admin users import`. Then disable those of
    /// `disabled` in the database, and replace the hashes of `other-parameters`.
    #[arg(long)]
    register: bool,
}

impl FailureTimes {
    /// Prints the times of each cause, and how far its median is from that of names without an account.
    pub(crate) async fn run(&self) -> Result<(), ProbeError> {
        let client = ForwardedClient::new(&self.admin)?;
        if self.register {
            return self.create_accounts();
        }
        println!("status,cause,{},median_off_percent", Quantiles::HEADER);
        self.measure(&client, &REFUSED, EACH, 0).await?;
        for cause in THROTTLED.causes {
            for number in 0..self.times.div_ceil(REFUSED_EACH) {
                for attempt in 0..EXHAUSTING {
                    let from = EXHAUSTED_FROM + number * EXHAUSTING + attempt;
                    self.fail(&client, cause, number, from).await?;
                }
            }
        }
        self.measure(&client, &THROTTLED, REFUSED_EACH, THROTTLED_FROM).await
    }

    async fn measure(
        &self,
        client: &ForwardedClient,
        outcome: &Outcome,
        each: u32,
        first_address: u32,
    ) -> Result<(), ProbeError> {
        let mut times = vec![Vec::<Duration>::new(); outcome.causes.len()];
        for number in 0..self.times {
            // In turn, so that the load of the machine is the same for all.
            for (cause, times) in outcome.causes.iter().zip(&mut times) {
                let (status, took) = self.fail(client, cause, number / each, first_address + number).await?;
                if status != outcome.status {
                    let expected = outcome.status;
                    return Err(format!("{cause}: a sign-in returned {status} instead of {expected}").into());
                }
                times.push(took);
            }
        }
        let quantiles: Option<Vec<_>> = times.into_iter().map(Quantiles::of).collect();
        let quantiles = quantiles.ok_or("nothing was measured")?;
        let unknown = quantiles.first().map_or(0.0, Quantiles::median_seconds);
        for (cause, quantiles) in outcome.causes.iter().zip(&quantiles) {
            let off = (quantiles.median_seconds() / unknown - 1.0) * 100.0;
            println!("{},{cause},{quantiles},{off:.1}", outcome.status);
        }
        Ok(())
    }

    /// The status and the time of one failed sign-in.
    async fn fail(
        &self,
        client: &ForwardedClient,
        cause: &str,
        account: u32,
        address: u32,
    ) -> Result<(u16, Duration), ProbeError> {
        let body = json!({ "email": self.email(cause, account), "password": "wrong horse battery" });
        let timed = client.post("login", &body, honest_address(address)).await?;
        Ok((timed.status, timed.took))
    }

    fn create_accounts(&self) -> Result<(), ProbeError> {
        let causes = [
            ("wrong", EACH),
            ("disabled", EACH),
            ("other-parameters", EACH),
            ("throttled-wrong", REFUSED_EACH),
        ];
        for (cause, each) in causes {
            for number in 0..self.times.div_ceil(each) {
                let password = format!("bench {cause} {}", self.run);
                create_user(&self.email(cause, number), &password)?;
            }
        }
        // Of Werkzeug's default in 2022, of an unknown password.
        let hash = format!("pbkdf2:sha256:260000$c29tZSBzYWx0IG9m${}", "5e".repeat(32));
        for number in 0..self.times.div_ceil(EACH) {
            println!("{}", json!({ "email": self.email("imported", number), "hash": hash }));
        }
        Ok(())
    }

    fn email(&self, cause: &str, number: u32) -> String {
        format!("{cause}-{}-{number}@example.com", self.run)
    }
}
