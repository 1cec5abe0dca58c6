//! Signing in, refreshing, signing out.

mod caller;
mod list;
mod login;
mod logout;
mod reauthenticate;
mod refresh;
mod revoke_all;
mod secrecy;
