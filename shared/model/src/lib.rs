//! A model of the world around the revocation protocol, and a search through all its states.
//!
//! The relays and the sidecar are the state machines that the programs run ([`shared::revocation::Leader`] and
//! [`shared::revocation::RevocationReader`]). Only PostgreSQL, Redis and the network are modelled. The promise is checked in the
//! order of events, without time: a certificate of moment `s` implies that everything committed before `s` is applied.
//!
//! Low to high: [`redis`] (the scripts), [`postgres`], [`bounds`]; `relay`; [`state`]; `relay_steps`; [`world`] (what can
//! happen), [`search`]. `tests/model` searches, and compares the modelled scripts with the real ones.

#![expect(
    clippy::indexing_slicing,
    reason = "servers, relays and rows are known by their numbers, and a panic fails the test that searches"
)]

pub mod bounds;
pub mod postgres;
pub mod redis;
pub mod relay;
mod relay_steps;
pub mod search;
pub mod state;
pub mod world;
