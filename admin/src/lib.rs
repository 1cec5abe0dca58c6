//! The service that mints and revokes: registration, sign-in, refresh, sign-out, sessions, roles.
//!
//! Each part knows only those before it in this list:
//!
//! * [`config`], [`metrics`], [`db`]: what the operator said, what the operator sees, and PostgreSQL;
//! * [`providers`]: who vouches for people, and how each is asked;
//! * [`keys`]: signing keys, and the keys of refresh tokens;
//! * [`context`], [`api`], [`pending`]: what every handler is given, how it answers, and what it remembers for minutes;
//! * [`revocations`]: what no longer counts, from the transaction that says so to Redis;
//! * [`users`], [`access`], [`audit`], [`roles`], [`sessions`], [`provider_sign_in`], [`me`], [`operators`]: the features, a folder each, a file an endpoint;
//! * [`router`], [`health`], [`server`]: every route, and how a connection becomes a request;
//! * [`app`], [`command`]: the parts put together, and what a person types.

pub mod access;
pub mod api;
pub mod app;
pub mod audit;
pub mod command;
pub mod config;
pub mod context;
pub mod db;
pub mod health;
pub mod keys;
pub mod me;
pub mod metrics;
pub mod operators;
pub mod pending;
pub mod provider_sign_in;
pub mod providers;
pub mod revocations;
pub mod roles;
pub mod router;
pub mod server;
pub mod sessions;
pub mod users;
