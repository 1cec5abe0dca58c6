//! Passwords: how they are compared, whether a new one is strong enough, and their hashes.
//!
//! Low, because the context holds the threads that hash; knows nothing of users.

mod argon;
mod hasher;
mod password;

pub use argon::{HashError, PasswordHash, PasswordMatch};
pub use hasher::{HashSlot, Hasher};
pub use password::{Password, Weakness};
