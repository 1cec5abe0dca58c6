//! The HTTP toolkit of every feature: requests, responses, problems and their documentation.

mod asset;
mod body;
mod code;
mod conditional;
mod fields;
mod form;
mod json;
mod kept_problem;
mod navigation;
pub(crate) mod operation;
pub(crate) mod problem;
mod query;
mod request;
mod response;
pub(crate) mod same_origin;
pub(crate) mod schema;
mod session_cookies;
pub(crate) mod text;

pub(crate) use asset::{Asset, Caching};
pub use body::MAX_BODY_BYTES;
pub(crate) use body::read as read_body;
pub use code::Code;
pub(crate) use conditional::{check_version, if_match, with_etag};
pub(crate) use fields::{Change, Findings, IfPresent, Invalid};
pub(crate) use form::Form;
pub(crate) use kept_problem::KeptProblem;
pub(crate) use navigation::{accepts, is_prefetch, prefers_html};
pub use operation::{Access, Operation, Shape};
pub use problem::Problem;
pub(crate) use problem::sentence;
pub(crate) use query::{PAGE, Query, canonical, one_more, page};
pub use request::{Params, Request};
pub(crate) use response::Disclosed;
pub use response::Response;
pub(crate) use session_cookies::{ACCESS_COOKIE, IssuedToken, IssuedTokens, REFRESH_COOKIE, SessionCookies};
