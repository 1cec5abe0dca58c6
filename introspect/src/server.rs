//! Connections: accepted, spread over workers, served over HTTP/1.1 within limits, and closed gracefully.
//!
//! Knows nothing about the requests and responses.

mod accept;
mod connection;
mod reuse;
mod workers;

pub use accept::accept;
pub use connection::{RequestHandler, Stop, serve};
pub use workers::Workers;
