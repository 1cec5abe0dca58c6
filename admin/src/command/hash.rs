//! `admin hash`: what this machine can hash.

use std::time::Duration;

use clap::Subcommand;
use runtime::env::Vars;
use serde_json::{Value, json};

use crate::config;
use crate::passwords::{HashConfig, HashParams, time_hashes};

use super::terminal::{Failure, say};

/// How long each measurement takes, at least.
const EACH: Duration = Duration::from_millis(500);

/// A sign-in that takes longer than this feels slow, and a busy machine multiplies it.
const LONG: Duration = Duration::from_millis(250);

/// A sign-in must take less than this.
const TOO_LONG: Duration = Duration::from_secs(1);

#[derive(Debug, Subcommand)]
pub(super) enum HashCommand {
    /// Measure how long a password hash takes on this machine, and how many sign-ins a second that allows. Example:
    /// admin hash calibrate --json
    Calibrate {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// The measurements of one set of parameters on one thread.
struct CalibrationRow {
    params: HashParams,
    median: Duration,
    is_configured: bool,
}

pub(super) fn run(action: &HashCommand, vars: &dyn Vars) -> Result<(), Failure> {
    let HashCommand::Calibrate { json } = action;
    let hashing = config::hashing(vars)?;
    let mut rows = vec![measure(hashing.params, true)?];
    for params in HashParams::minimums().filter(|params| *params != hashing.params) {
        rows.push(measure(params, false)?);
    }
    // All threads at once: they share the memory of the machine.
    let together = time_hashes(hashing.params, hashing.threads, EACH)?;
    let rate = per_second(median(together)) * count(hashing.threads);
    if *json { print_json(&hashing, &rows, rate) } else { print_table(&hashing, &rows, rate) }
}

fn measure(params: HashParams, is_configured: bool) -> Result<CalibrationRow, Failure> {
    let median = median(time_hashes(params, 1, EACH)?);
    Ok(CalibrationRow { params, median, is_configured })
}

fn print_table(hashing: &HashConfig, rows: &[CalibrationRow], rate: f64) -> Result<(), Failure> {
    say(format_args!("parameters     memory   one hash   sign-ins per second and core"))?;
    for row in rows {
        say(format_args!(
            "{:13}  {:3} MiB  {:5.1} ms   {:6.1}{}",
            row.params.to_string(),
            row.params.memory_kib().div_ceil(1024),
            row.median.as_secs_f64() * 1000.0,
            per_second(row.median),
            if row.is_configured { "   configured" } else { "" },
        ))?;
    }
    let (threads, hourly) = (hashing.threads, rate * 3600.0);
    say(format_args!("With {threads} threads: {rate:.0} sign-ins a second, {hourly:.0} an hour."))?;
    say(format_args!("{}", advice(configured(rows))))
}

fn print_json(hashing: &HashConfig, rows: &[CalibrationRow], rate: f64) -> Result<(), Failure> {
    let row = |row: &CalibrationRow| -> Value {
        json!({
            "parameters": row.params.to_string(),
            "memory_kib": row.params.memory_kib(),
            "hash_ms": row.median.as_secs_f64() * 1000.0,
            "per_second_and_core": per_second(row.median),
            "configured": row.is_configured,
        })
    };
    say(format_args!(
        "{}",
        json!({
            "threads": hashing.threads,
            "sign_ins_per_second": rate,
            "parameters": rows.iter().map(row).collect::<Vec<_>>(),
            "advice": advice(configured(rows)),
        })
    ))
}

/// What an operator should do about a hash that takes this long.
fn advice(hash: Duration) -> &'static str {
    if hash >= TOO_LONG {
        "A hash takes more than a second: use a faster machine, or stop what else runs on it."
    } else if hash >= LONG {
        "Users notice this time: use less memory or fewer passes (ADMIN_HASH_PARAMETERS), or a faster machine."
    } else {
        "A user hardly notices this time. If more users than that must sign in within an hour, such as before a \
         premiere, add cores and raise ADMIN_HASH_THREADS, or add admins."
    }
}

fn configured(rows: &[CalibrationRow]) -> Duration {
    rows.iter().find(|row| row.is_configured).map_or(Duration::ZERO, |row| row.median)
}

fn median(mut taken: Vec<Duration>) -> Duration {
    taken.sort_unstable();
    taken.get(taken.len() / 2).copied().unwrap_or_default()
}

fn per_second(hash: Duration) -> f64 {
    1.0 / hash.as_secs_f64().max(1e-9)
}

fn count(threads: usize) -> f64 {
    f64::from(u32::try_from(threads).unwrap_or(u32::MAX))
}
