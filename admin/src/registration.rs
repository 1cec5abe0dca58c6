//! Registration: a request, which creates nothing where an address must be proven, and the proof, which creates the account.

pub mod page;
mod prove;
pub mod register;
pub mod verify;
