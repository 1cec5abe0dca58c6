//! Sign-in through identity providers, against the mock servers.

mod accounts;
mod flow;
mod hijack;
mod linking;
mod providers;
mod secrecy;
