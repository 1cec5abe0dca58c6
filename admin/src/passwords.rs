//! Passwords: normalisation, strength and hashes.
//!
//! A low module, because the context holds the hashing threads; independent of users.

mod argon;
mod hasher;
mod party;
mod password;

pub use argon::{HashError, PasswordHash, PasswordMatch};
pub use hasher::{HashSlot, Hasher};
pub use party::{Origin, Party};
pub use password::{Password, Weakness};
