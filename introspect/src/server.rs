//! Connections: accepted, spread over workers, served over HTTP/1.1, limited, and ended gracefully.
//!
//! Knows nothing of what is asked and answered.

mod accept;
mod connection;
mod reuse;
mod workers;

pub use accept::accept;
pub use connection::{RequestHandler, Stop, serve};
pub use workers::Workers;
