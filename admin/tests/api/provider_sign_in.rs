//! Signing in through identity providers that are played by a server of their own.

mod accounts;
mod flow;
mod hijack;
mod linking;
mod providers;
mod secrecy;
