//! `probe sign-ins`: sign-ins per second; most of their cost is the password hash.

use std::time::{Duration, Instant};

use crate::admin::AdminClient;
use crate::failure::ProbeError;
use crate::rate::print_rate;

/// Arguments of `probe sign-ins`.
#[derive(Debug, clap::Args)]
pub(crate) struct SignIns {
    /// Address of admin, not of the gateway.
    #[arg(long, env = "ADMIN_URL")]
    admin: String,
    /// Process ID of admin, to measure its CPU time.
    #[arg(long, env = "ADMIN_PID")]
    pid: u32,
    /// Number of users who sign in concurrently.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=256))]
    people: u32,
    /// Duration in seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=120))]
    seconds: u32,
}

impl SignIns {
    /// Prints the rate, the latencies and the CPU time of one sign-in.
    pub(crate) async fn run(&self) -> Result<(), ProbeError> {
        let admin = AdminClient::new(&self.admin)?;
        let mut people = Vec::new();
        for _ in 0..self.people {
            people.push(AdminClient::create_user()?);
        }
        let sign_in = move |(email, password), end| sign_in_until(admin.clone(), email, password, end);
        let work = |end| people.into_iter().map(|person| sign_in(person, end)).collect();
        print_rate(self.pid, self.seconds, work).await
    }
}

async fn sign_in_until(
    admin: AdminClient,
    email: String,
    password: String,
    end: Instant,
) -> Result<Vec<Duration>, ProbeError> {
    let mut spans = Vec::new();
    while Instant::now() < end {
        let asked = Instant::now();
        admin.sign_in(&email, &password).await?;
        spans.push(asked.elapsed());
    }
    Ok(spans)
}
