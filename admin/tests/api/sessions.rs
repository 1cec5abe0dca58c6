//! Signing in, staying in, signing out.

mod caller;
mod list;
mod login;
mod logout;
mod refresh;
mod secrecy;
