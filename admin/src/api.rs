//! How a handler is asked and how it answers: the HTTP toolkit of every feature.

mod body;
mod client;
mod json;
pub mod jwks;
mod problem;
mod request;
mod response;

pub use body::MAX_BODY_BYTES;
pub(crate) use body::read as read_body;
pub use client::Client;
pub use problem::{Code, Problem};
pub use request::{Params, Request};
pub use response::Response;
