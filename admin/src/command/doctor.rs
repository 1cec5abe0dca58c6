//! `admin doctor`: looks at everything that the service needs, and says in sentences what is missing.

use std::time::Duration;

use runtime::env::{Mistakes, Vars};
use serde::Serialize;
use tokio::time::timeout;

use crate::app;
use crate::config::{Config, TrustedProxies};
use crate::context::Context;
use crate::db::{DbError, Schema};
use crate::keys::{FirstUse, check_master_keys};
use crate::mail::check_server;

use super::terminal::{Failure, say};

/// How long one check may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How far the clocks of this machine and of PostgreSQL may be apart: tokens and their revocations are compared by time.
const MOST_SKEW: Duration = Duration::from_secs(2);

/// What a check found.
#[derive(Debug, Serialize)]
struct CheckResult {
    check: &'static str,
    state: CheckState,
    detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum CheckState {
    #[serde(rename = "ok")]
    Good,
    Note,
    #[serde(rename = "failed")]
    Bad,
}

/// A check found that the service cannot work.
#[derive(Debug, thiserror::Error)]
#[error("{0} check(s) failed; correct the cause and run `admin doctor` again")]
struct Unwell(usize);

pub(super) async fn run(vars: &dyn Vars, json: bool) -> Result<(), Failure> {
    let findings = match Config::from_vars(vars) {
        Ok(config) => examine(config).await,
        Err(mistakes) => misconfigured(&mistakes),
    };
    for finding in &findings {
        let CheckResult { check, state, detail } = finding;
        let line = match json {
            true => serde_json::to_string(finding)?,
            false => format!("{:<6} {check:<14} {detail}", state.word()),
        };
        say(format_args!("{line}"))?;
    }
    match findings.iter().filter(|finding| finding.state == CheckState::Bad).count() {
        0 => Ok(()),
        count => Err(Unwell(count).into()),
    }
}

impl CheckState {
    fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Note => "note",
            Self::Bad => "FAILED",
        }
    }
}

fn misconfigured(mistakes: &Mistakes) -> Vec<CheckResult> {
    mistakes.lines().iter().map(|line| finding("configuration", CheckState::Bad, line.to_string())).collect()
}

async fn examine(config: Config) -> Vec<CheckResult> {
    let mut findings = vec![finding("configuration", CheckState::Good, "All variables are valid.")];
    findings.push(proxies(&config));
    let mail = config.mail.clone();
    let context = app::context(config);
    let database = timeout(PATIENCE, database(&context)).await;
    findings.extend(database.unwrap_or_else(|_elapsed| vec![silent("database", "PostgreSQL")]));
    findings
        .push(timeout(PATIENCE, redis(&context)).await.unwrap_or_else(|_elapsed| silent("redis", "Redis")));
    findings.push(match mail {
        None => finding(
            "mail",
            CheckState::Note,
            "ADMIN_MAIL_URL is not set: no mail is sent, and a forgotten password needs an operator.",
        ),
        Some(mail) => match timeout(PATIENCE, check_server(mail)).await {
            Ok(Ok(())) => finding("mail", CheckState::Good, "The mail server accepts this service."),
            Ok(Err(why)) => {
                finding("mail", CheckState::Bad, format!("The mail server cannot be used: {why}."))
            }
            Err(_elapsed) => silent("mail", "The mail server"),
        },
    });
    findings.push(providers(&context));
    findings
}

/// PostgreSQL, and what is stored in it.
async fn database(context: &Context) -> Vec<CheckResult> {
    let connection = match context.db.get().await {
        Ok(connection) => connection,
        Err(error) => {
            let detail = format!("PostgreSQL cannot be used: {error}.");
            return vec![finding("database", CheckState::Bad, detail)];
        }
    };
    let mut findings = vec![finding("database", CheckState::Good, "PostgreSQL answers.")];
    findings.push(match Schema::of(&connection).await {
        Ok(Schema::Ready) => finding("schema", CheckState::Good, "All migrations are applied."),
        Ok(Schema::Behind { missing }) => {
            let detail = format!("{missing} migration(s) are missing: run `admin migrate`.");
            findings.push(finding("schema", CheckState::Bad, detail));
            return findings;
        }
        Ok(different @ Schema::Different { .. }) => {
            let detail = app::check(different).err().map(|error| format!("{error}."));
            findings.push(finding("schema", CheckState::Bad, detail.unwrap_or_default()));
            return findings;
        }
        Err(error) => refused("schema", &error),
    });
    findings.push(clock(context, crate::db::now(&connection).await));
    let masters = &context.config.master_keys;
    let checked = check_master_keys(&connection, masters, FirstUse::Ignore).await;
    findings.push(match checked {
        Ok(()) => finding(
            "master keys",
            CheckState::Good,
            "None of them contradicts what the database was sealed with.",
        ),
        Err(error) => finding("master keys", CheckState::Bad, format!("{error}.")),
    });
    let keys = crate::keys::list(&connection).await.map(|keys| keys.len());
    drop(connection);
    if matches!(keys, Ok(0)) {
        let why = "There is none yet; the service creates one at its start.";
        findings.push(finding("signing keys", CheckState::Note, why));
        return findings;
    }
    findings.push(match context.keys.load(&context.db).await {
        Ok(()) => finding("signing keys", CheckState::Good, "A key can sign."),
        Err(error) => finding("signing keys", CheckState::Bad, format!("{error}.")),
    });
    findings
}

fn clock(context: &Context, stored: Result<jiff::Timestamp, DbError>) -> CheckResult {
    let there = match stored {
        Ok(moment) => moment.as_second(),
        Err(error) => return refused("clock", &error),
    };
    let here = i64::try_from(context.clock.unix_seconds()).unwrap_or(i64::MAX);
    let apart = Duration::from_secs(here.abs_diff(there));
    match apart <= MOST_SKEW {
        true => finding("clock", CheckState::Good, "The clocks of this machine and of PostgreSQL agree."),
        false => finding(
            "clock",
            CheckState::Bad,
            format!("The clocks of this machine and of PostgreSQL are {apart:?} apart: synchronise both."),
        ),
    }
}

async fn redis(context: &Context) -> CheckResult {
    match context.redis.run::<String>("PING", &redis::cmd("PING")).await {
        Ok(_pong) => finding("redis", CheckState::Good, "Redis answers."),
        Err(error) => finding("redis", CheckState::Bad, format!("Redis cannot be used: {error}.")),
    }
}

fn proxies(config: &Config) -> CheckResult {
    match config.http.trusted_proxies == TrustedProxies::default() {
        true => finding(
            "proxies",
            CheckState::Note,
            "No proxy is trusted: behind a proxy all clients have its address, and share its limits. Set \
             ADMIN_TRUSTED_PROXIES.",
        ),
        false => finding("proxies", CheckState::Good, "ADMIN_TRUSTED_PROXIES is set."),
    }
}

/// What no program can decide.
fn providers(context: &Context) -> CheckResult {
    let names: Vec<_> = context.providers.iter().map(crate::providers::Provider::name).collect();
    let detail = match names.is_empty() {
        true => "None is configured.".to_owned(),
        false => format!(
            "{}. Whether the law where you operate lets each of them sign your users in, where the database and the mail \
             server may stand, and how long records are kept: decide that with counsel.",
            names.join(", ")
        ),
    };
    finding("providers", CheckState::Note, detail)
}

fn refused(check: &'static str, error: &DbError) -> CheckResult {
    finding(check, CheckState::Bad, format!("PostgreSQL refused: {error}."))
}

fn silent(check: &'static str, what: &str) -> CheckResult {
    finding(check, CheckState::Bad, format!("{what} did not answer within {PATIENCE:?}."))
}

fn finding(check: &'static str, state: CheckState, detail: impl Into<String>) -> CheckResult {
    CheckResult { check, state, detail: detail.into() }
}
