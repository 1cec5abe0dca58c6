//! Accounts: making one, looking at it, changing it.

mod credentials;
mod profile;
mod register;
