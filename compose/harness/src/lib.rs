//! Private real servers that start quickly: the harness of the tests and the engine of `./compose/local`.
//!
//! Each server is a value. Starting it takes a free port or a Unix socket in its own folder, and waits until it
//! answers; dropping it ends it and removes the folder. If root starts them, servers run as an unprivileged
//! user. Nothing here depends on the libraries of `admin` and `introspect`: they are programs beside this one's
//! executable, reached over sockets.
//!
//! A test that must kill Redis:
//!
//! ```no_run
//! # async fn example() -> Result<(), harness::Error> {
//! let mut redis = harness::Redis::start().await?;
//! println!("{}", redis.url());
//! redis.kill()?;
//! redis.start_empty().await?; // the same address, without data
//! # Ok(()) }
//! ```
//!
//! The whole system, with access tokens that live two seconds:
//!
//! ```no_run
//! # async fn example() -> Result<(), harness::Error> {
//! let stack = harness::Stack::builder().admin("ADMIN_ACCESS_TOKEN_LIFE", "2s").start().await?;
//! let answer = harness::http::get(&stack.gateway("/api/v1/genres/")).send().await;
//! assert_eq!(answer.status, 200);
//! # Ok(()) }
//! ```
//!
//! To add a server, add a file like [`Redis`]'s: a [`Launch`], a [`Process`], a condition.

pub mod account;
pub mod accounts;
pub mod admin;
pub mod assembly;
pub mod certified;
pub mod database;
pub mod environment;
pub mod error;
pub mod folder;
pub mod hang_up;
pub mod http;
pub mod introspect;
pub mod mail;
pub mod nginx;
pub mod origin;
pub mod ports;
pub mod postfix;
pub mod postgres;
pub mod process;
pub mod procfs;
pub mod programs;
pub mod providers;
pub mod proxy;
pub mod random;
pub mod redis;
mod run;
pub mod wait;

pub use account::Account;
pub use admin::Admin;
pub use assembly::{Builder, Stack};
pub use certified::Certified;
pub use database::Database;
pub use error::Error;
pub use folder::Folder;
pub use introspect::Introspect;
pub use mail::MailCatcher;
pub use nginx::Nginx;
pub use origin::Origin;
pub use postfix::Postfix;
pub use postgres::Postgres;
pub use process::{Launch, Process};
pub use providers::Providers;
pub use proxy::Proxy;
pub use redis::Redis;
