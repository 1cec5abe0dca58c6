//! `probe refreshes`: refreshes a second, and what one costs admin.

use std::time::{Duration, Instant};

use crate::Failure;
use crate::admin::{Admin, Pair};
use crate::cpu::Cpu;
use crate::quantiles::Quantiles;

/// Arguments of `probe refreshes`.
#[derive(Debug, clap::Args)]
pub(crate) struct Refreshes {
    /// admin's own address.
    #[arg(long, env = "ADMIN_URL")]
    admin: String,
    /// admin's process, for its processor time.
    #[arg(long, env = "ADMIN_PID")]
    pid: u32,
    /// Sessions that refresh side by side.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    sessions: u32,
    /// For how many seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=120))]
    seconds: u32,
}

impl Refreshes {
    /// Prints the rate, the latencies and the processor time of one refresh.
    pub(crate) async fn run(&self) -> Result<(), Failure> {
        let admin = Admin::new(&self.admin)?;
        let (email, password) = admin.register().await?;
        let mut pairs = Vec::new();
        for _ in 0..self.sessions {
            pairs.push(admin.sign_in(&email, &password).await?);
        }
        let before = Cpu::of(self.pid)?;
        let started = Instant::now();
        let end = started + Duration::from_secs(self.seconds.into());
        let tasks: Vec<_> =
            pairs.into_iter().map(|pair| tokio::spawn(refresh_until(admin.clone(), pair, end))).collect();
        let mut spans = Vec::new();
        for task in tasks {
            spans.extend(task.await??);
        }
        let elapsed = started.elapsed();
        let spent = Cpu::of(self.pid)?.since(before);
        print_rate(spans, elapsed, spent)
    }
}

async fn refresh_until(admin: Admin, mut pair: Pair, end: Instant) -> Result<Vec<Duration>, Failure> {
    let mut spans = Vec::new();
    while Instant::now() < end {
        let asked = Instant::now();
        pair = admin.refresh(&pair.refresh).await?;
        spans.push(asked.elapsed());
    }
    Ok(spans)
}

/// One line: quantiles of latency, rate, and microseconds of the server's processor per call.
pub(crate) fn print_rate(spans: Vec<Duration>, elapsed: Duration, spent: Cpu) -> Result<(), Failure> {
    #[expect(clippy::cast_precision_loss, reason = "a count of calls is far below 2^52")]
    let calls = spans.len() as f64;
    let quantiles = Quantiles::of(spans).ok_or("nothing was measured")?;
    let each = |span: Duration| span.as_secs_f64() * 1e6 / calls;
    println!("{},per_second,user_us_each,system_us_each", Quantiles::HEADER);
    println!(
        "{quantiles},{:.1},{:.1},{:.1}",
        calls / elapsed.as_secs_f64(),
        each(spent.user),
        each(spent.system)
    );
    Ok(())
}
