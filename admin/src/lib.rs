//! The service that mints and revokes: registration, sign-in, refresh, sign-out, sessions, roles.
//!
//! `ARCHITECTURE.md` states the order of these modules: each knows only those below it. From low to high:
//!
//! * [`calendar`], [`random`], [`stop`], [`redis_connection`], [`config`], [`actor`], [`db`], [`passwords`],
//!   [`metrics`]: the base modules;
//! * [`providers`], [`keys`], [`guessing`], [`mail`]: the identity providers and their protocols, the signing keys, the
//!   limiter of attempts, and mail;
//! * [`context`], [`api`]: the state of domain functions, and the HTTP toolkit;
//! * [`permit`], [`revocations`], [`jwks`], [`users`], [`access`], [`audit`], [`notices`], [`roles`], [`sessions`], `evict`,
//!   [`mail_proof`], [`provider_sign_in`], [`me`], [`recovery`], [`registration`], [`operators`]: the features, one folder each, one file per endpoint;
//! * [`server`], [`health`], [`router`], [`app`], [`command`]: connections, health, routes, the assembled service, and
//!   the command line.

pub mod access;
pub mod actor;
pub mod api;
pub mod app;
pub mod audit;
pub mod calendar;
pub mod command;
pub mod config;
pub mod context;
pub mod db;
mod delayed_recovery;
pub mod email_change;
pub mod erasure;
mod evict;
pub mod export;
pub mod guessing;
pub mod health;
pub mod jwks;
pub mod keys;
pub mod limits;
pub mod mail;
pub mod mail_proof;
pub mod me;
pub mod metrics;
mod moments;
pub mod notices;
pub mod one_at_a_time;
pub mod operators;
pub mod pages;
pub mod partitions;
pub mod passwords;
mod pending_erasure;
pub mod permit;
pub mod provider_sign_in;
pub mod providers;
pub mod purge;
mod purges;
pub mod random;
pub mod recovery;
pub mod redis_connection;
pub mod registration;
pub mod revocations;
pub mod roles;
pub mod router;
pub mod server;
pub mod sessions;
pub mod stop;
pub mod turn;
pub mod unawaited;
pub mod users;
mod visible_text;
