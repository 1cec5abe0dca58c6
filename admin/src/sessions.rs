//! Authentication: signing in, refreshing, signing out, and the login history.

mod bounds;
pub mod end;
pub mod history;
pub mod list;
pub mod login;
pub mod logout;
pub mod logout_all;
pub(crate) mod mint;
pub(crate) mod open;
mod origin;
pub(crate) mod pair;
mod prove;
pub mod refresh;
mod refresh_token;
pub(crate) mod renew;
mod repeat;
mod revoke_all;
pub mod revoke_token;
pub(crate) mod session;
pub(crate) mod store;

pub(crate) use mint::{Proof, ProvenBy};
pub(crate) use pair::{AccessToken, Pair};
pub(crate) use prove::{mint_proven, prove_again};
pub(crate) use repeat::pair_again;
pub use revoke_all::revoke_all;
pub(crate) use store::{PURGE, advance_deployment, end_one_of};
