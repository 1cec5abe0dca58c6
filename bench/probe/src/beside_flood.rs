//! `probe beside-flood`: how long an honest sign-in takes beside a flood.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::client::{FloodSource, ForwardedClient, honest_address, unique};
use crate::create_user::create_user;
use crate::failure::ProbeError;
use crate::quantiles::Quantiles;

/// An honest user signs in this often.
const EVERY: Duration = Duration::from_millis(100);

/// Easy to guess, so no account is created, and costly to judge: keyboard walks with every look-alike character.
const CRAFTED: &str = "1234567890!@#$%^&*()";

/// Arguments of `probe beside-flood`.
#[derive(Debug, clap::Args)]
pub(crate) struct BesideFlood {
    /// Address of admin, not of the gateway.
    #[arg(long, env = "ADMIN_URL")]
    admin: String,
    /// Number of hashing threads of admin; without a flood as many hashes run beside the honest ones.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    threads: u32,
    /// Where the flood comes from.
    #[arg(long)]
    from: FloodSource,
    /// What the flood requests.
    #[arg(long)]
    kind: FloodKind,
    /// Number of requests in flight.
    #[arg(long, default_value_t = 80, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    in_flight: u32,
    /// Requests a second of the flood, at most: many times what can be hashed, and not so many that this program and the
    /// service only compete for the machine.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    per_second: u32,
    /// Number of networks.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=16_000))]
    networks: u32,
    /// Duration of each of the two phases in seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=120))]
    seconds: u32,
}

/// What a flood requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FloodKind {
    /// Sign-ins with wrong passwords.
    SignIns,
    /// Registrations with crafted passwords.
    Registrations,
    /// Refreshes with invalid tokens.
    Refreshes,
}

/// The answers to a flood, by status.
type Answers = BTreeMap<u16, u32>;

/// The honest user, and the number of the next new address.
struct HonestUser {
    client: ForwardedClient,
    email: String,
    password: String,
    next: u32,
}

impl BesideFlood {
    /// Prints the latencies of honest sign-ins beside a few hashes, and beside the flood: from a network that signs in
    /// again and again, and from new networks.
    pub(crate) async fn run(&self) -> Result<(), ProbeError> {
        let client = ForwardedClient::new(&self.admin)?;
        let (email, password) = (format!("honest-{}@example.com", unique()), format!("bench {}", unique()));
        create_user(&email, &password)?;
        let mut honest = HonestUser { client, email, password, next: 1 };
        println!("phase,network,{},refused,flood_per_second,flood_answers", Quantiles::HEADER);
        let (per_second, networks) = (self.per_second, self.networks);
        let (from, kind, in_flight) = (FloodSource::Ipv4, FloodKind::SignIns, self.threads);
        let calm = Flood { from, kind, in_flight, per_second, networks };
        let (from, kind, in_flight) = (self.from, self.kind, self.in_flight);
        let flood = Flood { from, kind, in_flight, per_second, networks };
        for (flood, phase) in [(calm, "beside_running_hashes"), (flood, "beside_flood")] {
            let end = Instant::now() + Duration::from_secs(self.seconds.into());
            let flooding = tokio::spawn(flood.run_until(honest.client.clone(), end));
            let measured = honest.sign_in_until(end).await?;
            print(phase, measured, &flooding.await??, self.seconds)?;
        }
        Ok(())
    }
}

/// The durations of successful sign-ins, and the number of the others: from the same network, and from new ones.
type Measured = [(Vec<Duration>, u32); 2];

impl HonestUser {
    async fn sign_in_until(&mut self, end: Instant) -> Result<Measured, ProbeError> {
        let mut measured = Measured::default();
        let mut turns = tokio::time::interval(EVERY);
        while Instant::now() < end {
            for (is_new, (spans, refused)) in [false, true].into_iter().zip(&mut measured) {
                turns.tick().await;
                self.next += u32::from(is_new);
                let from = honest_address(if is_new { self.next } else { 0 });
                let timed = self.client.sign_in(&self.email, &self.password, from).await?;
                if timed.status == 200 { spans.push(timed.took) } else { *refused += 1 }
            }
        }
        Ok(measured)
    }
}

/// A flood of requests.
#[derive(Debug, Clone, Copy)]
struct Flood {
    from: FloodSource,
    kind: FloodKind,
    in_flight: u32,
    per_second: u32,
    networks: u32,
}

impl Flood {
    async fn run_until(self, client: ForwardedClient, end: Instant) -> Result<Answers, ProbeError> {
        let (next, begun, mut clients) = (Arc::new(AtomicU32::new(0)), Instant::now(), JoinSet::new());
        for _ in 0..self.in_flight {
            let (client, next) = (client.clone(), Arc::clone(&next));
            clients.spawn(async move {
                let mut answers = Answers::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let due = begun + Duration::from_secs(number.into()) / self.per_second;
                    if due.max(Instant::now()) >= end {
                        return Ok::<_, ProbeError>(answers);
                    }
                    sleep_until(due.into()).await;
                    let (path, body) = request(self.kind);
                    let address = self.from.address(number, self.networks);
                    *answers.entry(client.post(path, &body, address).await?.status).or_default() += 1;
                }
            });
        }
        let mut all = Answers::new();
        while let Some(answers) = clients.join_next().await {
            for (status, count) in answers?? {
                *all.entry(status).or_default() += count;
            }
        }
        Ok(all)
    }
}

fn request(kind: FloodKind) -> (&'static str, Value) {
    let email = format!("flood-{}@example.com", unique());
    match kind {
        FloodKind::SignIns => ("login", json!({ "email": email, "password": "wrong" })),
        FloodKind::Registrations => ("register", json!({ "email": email, "password": CRAFTED.repeat(6) })),
        FloodKind::Refreshes => ("refresh", json!({ "refresh_token": email })),
    }
}

fn print(phase: &str, measured: Measured, answers: &Answers, seconds: u32) -> Result<(), ProbeError> {
    let rate = answers.values().sum::<u32>() / seconds;
    let answers: Vec<_> = answers.iter().map(|(status, count)| format!("{status}:{count}")).collect();
    for (network, (spans, refused)) in ["same", "new"].into_iter().zip(measured) {
        // Nothing was measured where every sign-in was refused.
        let quantiles =
            Quantiles::of(spans).map_or_else(|| "0,-,-,-,-".to_owned(), |known| known.to_string());
        println!("{phase},{network},{quantiles},{refused},{rate},{}", answers.join(" "));
    }
    Ok(())
}
