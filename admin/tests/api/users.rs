//! Accounts: creating, reading, changing.

mod credentials;
mod profile;
mod register;
