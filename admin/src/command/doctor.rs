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
use crate::partitions::{self, AUDIT_LOG, LOGIN_HISTORY, MonthlyTable};

use super::terminal::{Failure, say};

/// How long one check may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How far the clocks of this machine and of PostgreSQL may be apart: tokens and their revocations are compared by time.
const MOST_SKEW: Duration = Duration::from_secs(2);

/// The commands of the scripts that this service runs in Redis.
const COMMANDS: [&str; 23] = [
    "BITFIELD",
    "EXISTS",
    "EXPIRE",
    "HDEL",
    "HGET",
    "HMGET",
    "HSET",
    "MGET",
    "PUBLISH",
    "SCAN",
    "SET",
    "SETRANGE",
    "TIME",
    "XADD",
    "XDEL",
    "XINFO",
    "XLEN",
    "XRANGE",
    "XTRIM",
    "ZADD",
    "ZCARD",
    "ZREM",
    "ZREMRANGEBYSCORE",
];

/// Which of the commands the user of this connection may not run on which keys, without running any. The arguments are the
/// channel, three keys and the commands. A server without that function, such as Redis before version 7, says nothing of it.
const MAY_CALL: &str = "
    local missing = {}
    if not redis.acl_check_cmd then return missing end
    local function check(text, ...)
        if not redis.acl_check_cmd(...) then missing[#missing + 1] = text end
    end
    for place = 5, #ARGV do
        local name = ARGV[place]
        if name == 'TIME' then
            check(name, name)
        elseif name == 'SCAN' then
            check(name, name, '0')
        elseif name == 'PUBLISH' then
            check(name .. ' on ' .. ARGV[1], name, ARGV[1], '')
        else
            for k = 2, 4 do
                local key, text = ARGV[k], name .. ' on ' .. ARGV[k]
                if name == 'MGET' then
                    check(text, name, key)
                elseif name == 'XINFO' then
                    check(text, name, 'STREAM', key)
                elseif name == 'XADD' then
                    check(text, name, key, '*', 'a', 'b')
                else
                    check(text, name, key, '0', '0')
                end
            end
        end
    end
    return missing";

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
    let redis = timeout(PATIENCE, redis(&context)).await;
    findings.extend(redis.unwrap_or_else(|_elapsed| vec![silent("redis", "Redis")]));
    findings.push(match mail {
        None => finding(
            "mail",
            CheckState::Note,
            "ADMIN_MAIL_URL is not set: no mail is sent, and a user who forgot the password needs a link from an operator.",
        ),
        Some(mail) => match timeout(PATIENCE, check_server(mail)).await {
            Ok(Ok(())) => finding("mail", CheckState::Good, "The mail server accepts the connection and the credentials."),
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
            "They are the keys with which the secrets in the database were encrypted.",
        ),
        Err(error) => finding("master keys", CheckState::Bad, format!("{error}.")),
    });
    for table in [LOGIN_HISTORY, AUDIT_LOG] {
        findings.push(months(table, partitions::ahead(&connection, table).await));
    }
    let keys = crate::keys::list(&connection).await.map(|keys| keys.len());
    drop(connection);
    if matches!(keys, Ok(0)) {
        let why = "There is no key yet; the service creates one when it starts.";
        findings.push(finding("signing keys", CheckState::Note, why));
        return findings;
    }
    findings.push(match context.keys.load(&context.db).await {
        Ok(()) => finding("signing keys", CheckState::Good, "There is a key that signs tokens."),
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

/// The partitions of this month and the next ones: without one, rows go to the default partition, which is never dropped.
fn months(table: MonthlyTable, ahead: Result<usize, DbError>) -> CheckResult {
    let (name, title) = (table.name, table.title);
    match ahead {
        Err(error) => refused("partitions", &error),
        Ok(0) => finding(
            "partitions",
            CheckState::Bad,
            format!(
                "{title} (auth.{name}) has no partition for this month: start the service, which creates them."
            ),
        ),
        Ok(1) => finding(
            "partitions",
            CheckState::Note,
            format!(
                "{title} (auth.{name}) has no partition for the next month; the service creates them at its start, and daily."
            ),
        ),
        Ok(months) => finding(
            "partitions",
            CheckState::Good,
            format!("{title} (auth.{name}) has partitions for this month and the next {}.", months - 1),
        ),
    }
}

async fn redis(context: &Context) -> Vec<CheckResult> {
    if let Err(error) = context.redis.run::<String>("PING", &redis::cmd("PING")).await {
        return vec![finding("redis", CheckState::Bad, format!("Redis cannot be used: {error}."))];
    }
    let mut findings = vec![finding("redis", CheckState::Good, "Redis answers.")];
    let mut allowed = redis::cmd("EVAL");
    let prefix = context.redis.prefix();
    let names =
        ["{rev}:wake", "{rev}:doctor", "oauth:doctor", "guess:doctor"].map(|name| format!("{prefix}{name}"));
    allowed.arg(MAY_CALL).arg(0).arg(&names).arg(&COMMANDS);
    findings.push(match context.redis.run::<Vec<String>>("EVAL", &allowed).await {
        Ok(missing) if missing.is_empty() => {
            finding("redis scripts", CheckState::Good, "Redis lets this service run its scripts.")
        }
        Ok(missing) => finding(
            "redis scripts",
            CheckState::Bad,
            format!(
                "The Redis user of this service may not do what its scripts need: {}. Add it to the user's rights.",
                missing.join(", ")
            ),
        ),
        Err(error) => finding(
            "redis scripts",
            CheckState::Bad,
            format!("Redis does not let this service run scripts (EVAL): {error}. Revocations are not published."),
        ),
    });
    findings
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
            "{}. Ask a lawyer whether the law of your country allows users to sign in through each of them, in which country the \
             database and the mail server must be, and how long records must be kept.",
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
