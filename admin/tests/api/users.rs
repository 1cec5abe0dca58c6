//! Accounts: creating, reading, changing.

mod credentials;
mod import;
mod names;
mod profile;
mod register;
