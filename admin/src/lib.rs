//! The service that mints and revokes: registration, sign-in, refresh, sign-out, sessions, roles.
//!
//! Each part knows only those before it in this list:
//!
//! * [`config`], [`metrics`], [`db`]: configuration, metrics and PostgreSQL;
//! * [`providers`]: the identity providers and their protocols;
//! * [`keys`]: signing keys, and the keys of refresh tokens;
//! * [`redis_connection`], [`context`], [`api`]: Redis, the state shared by handlers, and the HTTP toolkit;
//! * [`revocations`]: revocations, from the transaction that makes them to Redis;
//! * [`users`], [`access`], [`audit`], [`roles`], [`sessions`], [`provider_sign_in`], [`me`], [`operators`]: the features, a folder each, a file an endpoint;
//! * [`router`], [`health`], [`server`]: all routes, health checks, and the HTTP server;
//! * [`app`], [`command`]: the assembled service and the command line.

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
pub mod health;
pub mod keys;
pub mod me;
pub mod metrics;
pub mod operators;
pub mod passwords;
pub mod provider_sign_in;
pub mod providers;
pub mod random;
pub mod redis_connection;
pub mod revocations;
pub mod roles;
pub mod router;
pub mod server;
pub mod sessions;
pub mod users;
