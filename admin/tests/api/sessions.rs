//! Signing in, refreshing, signing out.

mod bounds;
mod caller;
mod fairness;
mod list;
mod login;
mod logout;
mod reauthenticate;
mod refresh;
mod refresh_elsewhere;
mod revoke_all;
mod revoke_token;
mod secrecy;
