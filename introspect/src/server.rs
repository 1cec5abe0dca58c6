//! Connections: accepted, spread over workers, served over HTTP/1.1 within limits, and closed gracefully.
//!
//! Knows nothing about the requests and responses.

mod connection;
mod reuse;
mod workers;

pub use connection::{RequestHandler, StopSignal, serve};
pub use workers::Workers;
