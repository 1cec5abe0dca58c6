//! Sign-in through identity providers, against the mock servers.

mod accounts;
mod apps;
mod by_mail;
mod circuit;
mod confirming;
mod flow;
mod hijack;
mod linking;
mod microsoft;
mod moving;
mod offering;
mod pairs;
mod people;
mod providers;
mod secrecy;
mod way_back;
