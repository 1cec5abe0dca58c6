//! The HTTP toolkit of every feature: requests, responses, problems and their documentation.

mod body;
mod code;
mod conditional;
mod fields;
mod json;
pub(crate) mod operation;
pub(crate) mod problem;
mod query;
mod request;
mod response;

pub use body::MAX_BODY_BYTES;
pub(crate) use body::read as read_body;
pub use code::Code;
pub(crate) use conditional::{check_version, if_match, with_etag};
pub(crate) use fields::{Change, Findings};
pub use operation::{Access, Operation, Shape};
pub use problem::Problem;
pub(crate) use problem::sentence;
pub(crate) use query::{PAGE, Query, one_more, page};
pub use request::{Params, Request};
pub use response::Response;
