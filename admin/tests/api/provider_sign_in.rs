//! Sign-in through identity providers, against the mock servers.

mod accounts;
mod flow;
mod hijack;
mod linking;
mod microsoft;
mod people;
mod providers;
mod secrecy;
mod way_back;
