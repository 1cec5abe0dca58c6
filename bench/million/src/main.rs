//! Compares every route of admin on a large database with the same routes on an empty one, in one run.
//!
//! It starts its own PostgreSQL, Redis and two admins, fills one database, and sends each request to both in turn. Standard
//! output has one line of CSV for each route; messages go to standard error. Nothing is left behind.

mod failure;
mod fill;
mod routes;
mod side;
mod sizes;
mod times;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use harness::postgres::PostgresSettings;
use harness::{Folder, Postgres, Redis};

use failure::BenchError;
use fill::Amounts;
use side::Side;

/// How large the database is, and how often each route is called.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The number of users; the other amounts are in proportion: a session, five entries of the login history, two roles and an
    /// entry of the audit log for each.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..=2_000_000))]
    users: u32,
    /// The number of calls of each route on each database.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(5..=1_000))]
    calls: u32,
    /// Where the bytes are written that a row of each table takes.
    #[arg(long)]
    sizes_to: Option<PathBuf>,
}

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("million: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(&Arguments::parse())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("million: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), BenchError> {
    let folder = Folder::temporary()?;
    let postgres = Postgres::start_with(PostgresSettings {
        folder: folder.inside("postgres")?,
        port: 0,
        password: "not used by others than this run".to_owned(),
        durable: false,
        ledger: None,
    })
    .await?;
    let (of_empty, of_full) = (Redis::start().await?, Redis::start().await?);
    let mut empty = Side::start(&postgres, &of_empty, "empty").await?;
    let mut full = Side::start(&postgres, &of_full, "full").await?;
    for side in [&empty, &full] {
        fill::few(&side.sql().await?).await?;
    }
    let amounts = Amounts::of(arguments.users);
    eprintln!("million: filling {amounts}");
    fill::many(&full.sql().await?, amounts).await?;
    full.await_published().await?;
    if let Some(path) = &arguments.sizes_to {
        std::fs::write(path, sizes::table(&full.sql().await?).await?)?;
    }
    times::print(&mut empty, &mut full, arguments.calls).await
}
