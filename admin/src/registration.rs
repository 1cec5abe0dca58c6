//! Registration: a request, which creates nothing where an address must be proven, and the proof, which creates the account.

mod prove;
pub mod register;
pub mod verify;
