//! Signing in, refreshing, signing out.

mod caller;
mod everybody;
mod list;
mod login;
mod logout;
mod refresh;
mod secrecy;
