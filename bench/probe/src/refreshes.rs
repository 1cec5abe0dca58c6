//! `probe refreshes`: refreshes per second, and the cost of one.

use std::time::{Duration, Instant};

use crate::admin::{AdminClient, TokenPair};
use crate::failure::ProbeError;
use crate::rate::print_rate;

/// Arguments of `probe refreshes`.
#[derive(Debug, clap::Args)]
pub(crate) struct Refreshes {
    /// Address of admin, not of the gateway.
    #[arg(long, env = "ADMIN_URL")]
    admin: String,
    /// Process ID of admin, to measure its CPU time.
    #[arg(long, env = "ADMIN_PID")]
    pid: u32,
    /// Number of concurrent sessions.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    sessions: u32,
    /// Duration in seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=120))]
    seconds: u32,
}

impl Refreshes {
    /// Prints the rate, the latencies and the CPU time of one refresh.
    pub(crate) async fn run(&self) -> Result<(), ProbeError> {
        let admin = AdminClient::new(&self.admin)?;
        let (email, password) = AdminClient::create_user()?;
        let mut pairs = Vec::new();
        for _ in 0..self.sessions {
            pairs.push(admin.sign_in(&email, &password).await?);
        }
        let work = |end| pairs.into_iter().map(move |pair| refresh_until(admin.clone(), pair, end)).collect();
        print_rate(self.pid, self.seconds, work).await
    }
}

async fn refresh_until(
    admin: AdminClient,
    mut pair: TokenPair,
    end: Instant,
) -> Result<Vec<Duration>, ProbeError> {
    let mut spans = Vec::new();
    while Instant::now() < end {
        let asked = Instant::now();
        pair = admin.refresh(&pair.refresh).await?;
        spans.push(asked.elapsed());
    }
    Ok(spans)
}
