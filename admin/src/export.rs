//! Export: everything that is stored of a user, as JSON, without data of others and without the reasons of operators.

mod document;
pub mod request;
mod store;
pub mod take;

pub(crate) use document::{UserExport, example, export};
