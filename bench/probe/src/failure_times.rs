//! `probe failure-times`: whether the time of a failed sign-in tells what failed.

use serde_json::json;
use std::time::Duration;

use crate::client::{ForwardedClient, honest_address};
use crate::failure::ProbeError;
use crate::quantiles::Quantiles;

/// An account gets fewer wrong passwords than the limit of an identifier.
const EACH: u32 = 5;

/// The causes of a failure. All but the first have accounts.
const CAUSES: [&str; 4] = ["unknown", "wrong", "disabled", "other-parameters"];

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
    /// Only register the accounts. Then disable those of `disabled` in the database, and replace the hashes of
    /// `other-parameters`.
    #[arg(long)]
    register: bool,
}

impl FailureTimes {
    /// Prints the times of each cause, and how far its median is from that of unknown accounts.
    pub(crate) async fn run(&self) -> Result<(), ProbeError> {
        let client = ForwardedClient::new(&self.admin)?;
        if self.register {
            return self.register_accounts(&client).await;
        }
        let mut times: [Vec<Duration>; CAUSES.len()] = Default::default();
        for number in 0..self.times {
            // In turn, so that the load of the machine is the same for all.
            for (cause, times) in CAUSES.into_iter().zip(&mut times) {
                let body =
                    json!({ "email": self.email(cause, number / EACH), "password": "wrong horse battery" });
                let timed = client.post("login", &body, honest_address(number)).await?;
                if timed.status != 401 {
                    return Err(format!("a failed sign-in returned {} instead of 401", timed.status).into());
                }
                times.push(timed.took);
            }
        }
        let median = |times: &[Duration]| {
            let mut sorted = times.to_vec();
            sorted.sort_unstable();
            sorted.get(sorted.len() / 2).map_or(0.0, Duration::as_secs_f64)
        };
        let unknown = median(&times[0]);
        println!("cause,{},median_off_percent", Quantiles::HEADER);
        for (cause, times) in CAUSES.into_iter().zip(times) {
            let off = (median(&times) / unknown - 1.0) * 100.0;
            println!("{cause},{},{off:.1}", Quantiles::of(times).ok_or("nothing was measured")?);
        }
        Ok(())
    }

    async fn register_accounts(&self, client: &ForwardedClient) -> Result<(), ProbeError> {
        for cause in CAUSES.into_iter().skip(1) {
            for number in 0..self.times.div_ceil(EACH) {
                let password = format!("bench {cause} {}", self.run);
                client.register(&self.email(cause, number), &password, honest_address(number)).await?;
            }
        }
        Ok(())
    }

    fn email(&self, cause: &str, number: u32) -> String {
        format!("{cause}-{}-{number}@example.com", self.run)
    }
}
