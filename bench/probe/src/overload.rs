//! `probe overload`: sign-ins a second under ten times the load that can be hashed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::client::{FloodSource, ForwardedClient, Timed, unique};
use crate::create_user::create_user;
use crate::failure::ProbeError;
use crate::quantiles::Quantiles;

/// Requests in flight: more would measure this program.
const MAX_IN_FLIGHT: usize = 1_500;

/// The load comes in portions.
const PORTION: Duration = Duration::from_millis(10);

/// The load comes from this many networks.
const NETWORKS: u32 = 2_000;

/// Users who sign in concurrently while the capacity is measured.
const CONCURRENT: u32 = 8;

/// A refusal should not take longer.
const PROMPT: Duration = Duration::from_millis(50);

/// Arguments of `probe overload`.
#[derive(Debug, clap::Args)]
pub(crate) struct Overload {
    /// Address of admin, not of the gateway.
    #[arg(long, env = "ADMIN_URL")]
    admin: String,
    /// Process ID of admin, to measure its memory.
    #[arg(long, env = "ADMIN_PID")]
    pid: u32,
    /// Number of users.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(8..=2_000))]
    users: u32,
    /// How many times the capacity is requested.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=50))]
    factor: u32,
    /// Duration of each of the two phases in seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=120))]
    seconds: u32,
}

/// Users with the same password.
#[derive(Clone)]
struct Users {
    client: ForwardedClient,
    run: Arc<str>,
    count: u32,
}

impl Overload {
    /// Prints the capacity, the sign-ins a second under the load, the time of refusals, and admin's memory.
    pub(crate) async fn run(&self) -> Result<(), ProbeError> {
        let client = ForwardedClient::new(&self.admin)?;
        let users = Users { client, run: unique().into(), count: self.users };
        for number in 0..self.users {
            create_user(&users.email(number), &users.password())?;
        }
        let capacity = rate(&users.concurrently(self.seconds).await?, 200, self.seconds);
        let before = memory_kib(self.pid, "VmRSS:")?;
        let answers = users.at_rate(capacity * self.factor, self.seconds).await?;
        let after = memory_kib(self.pid, "VmRSS:")?;
        let good = rate(&answers, 200, self.seconds);
        let refused = answers.iter().filter(|answer| answer.status != 200).map(|answer| answer.took);
        let refused: Vec<_> = refused.collect();
        let late = refused.iter().filter(|took| **took > PROMPT).count();
        println!(
            "capacity_per_second,requested_per_second,good_per_second,good_percent,refused_{},refused_after_50_ms,\
             rss_before_kib,rss_after_kib,rss_peak_kib",
            Quantiles::HEADER
        );
        println!(
            "{capacity},{},{good},{},{},{late},{before},{after},{}",
            rate_of_all(&answers, self.seconds),
            good * 100 / capacity.max(1),
            Quantiles::of(refused).ok_or("nothing was refused")?,
            memory_kib(self.pid, "VmHWM:")?
        );
        Ok(())
    }
}

impl Users {
    fn email(&self, number: u32) -> String {
        format!("overload-{}-{}@example.com", self.run, number % self.count)
    }

    fn password(&self) -> String {
        format!("bench {}", self.run)
    }

    async fn sign_in(&self, number: u32) -> Result<Timed, ProbeError> {
        let from = FloodSource::Ipv4.address(number, NETWORKS);
        self.client.sign_in(&self.email(number), &self.password(), from).await
    }

    /// Each client signs in again as soon as it has its answer.
    async fn concurrently(&self, seconds: u32) -> Result<Vec<Timed>, ProbeError> {
        let end = Instant::now() + Duration::from_secs(seconds.into());
        let mut clients = JoinSet::new();
        for first in 0..CONCURRENT {
            let users = self.clone();
            clients.spawn(async move {
                let (mut answers, mut number) = (Vec::new(), first);
                while Instant::now() < end {
                    answers.push(users.sign_in(number).await?);
                    number += CONCURRENT;
                }
                Ok::<_, ProbeError>(answers)
            });
        }
        let mut all = Vec::new();
        while let Some(answers) = clients.join_next().await {
            all.extend(answers??);
        }
        Ok(all)
    }

    /// So many sign-ins a second, whatever the answers.
    async fn at_rate(&self, per_second: u32, seconds: u32) -> Result<Vec<Timed>, ProbeError> {
        let places = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
        let (mut requests, mut sent) = (JoinSet::new(), 0);
        let (begun, mut portions) = (Instant::now(), tokio::time::interval(PORTION));
        while begun.elapsed() < Duration::from_secs(seconds.into()) {
            portions.tick().await;
            let due = begun.elapsed().as_secs_f64() * f64::from(per_second);
            while f64::from(sent) < due {
                let (users, number) = (self.clone(), sent);
                sent += 1;
                let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
                requests.spawn(async move {
                    let answer = users.sign_in(number).await;
                    drop(place);
                    answer
                });
            }
        }
        let mut all = Vec::new();
        while let Some(answer) = requests.join_next().await {
            all.push(answer??);
        }
        Ok(all)
    }
}

fn rate(answers: &[Timed], status: u16, seconds: u32) -> u32 {
    let count = answers.iter().filter(|answer| answer.status == status).count();
    u32::try_from(count).unwrap_or(u32::MAX) / seconds
}

fn rate_of_all(answers: &[Timed], seconds: u32) -> u32 {
    u32::try_from(answers.len()).unwrap_or(u32::MAX) / seconds
}

/// A line of `/proc/<pid>/status`.
fn memory_kib(pid: u32, name: &str) -> Result<u64, ProbeError> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()).ok_or("no such line in /proc")?;
    Ok(number.parse()?)
}
