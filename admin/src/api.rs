//! How a handler is asked and how it answers: the HTTP toolkit of every feature.

mod body;
mod client;
mod json;
pub mod jwks;
pub(crate) mod operation;
pub(crate) mod problem;
mod request;
mod response;

pub use body::MAX_BODY_BYTES;
pub(crate) use body::read as read_body;
pub use client::Client;
pub use operation::{Access, Operation, Shape};
pub use problem::{Code, Problem};
pub use request::{Params, Request};
pub use response::Response;
