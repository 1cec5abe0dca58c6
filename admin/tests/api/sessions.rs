//! Signing in, refreshing, signing out.

mod caller;
mod guesses;
mod list;
mod login;
mod logout;
mod refresh;
mod revoke_all;
mod secrecy;
