//! Signing in, refreshing, signing out.

mod caller;
mod list;
mod login;
mod logout;
mod refresh;
mod revoke_all;
mod secrecy;
