//! The pages that people see, below `/account/`: a viewer signs in and looks after the account.
//!
//! A page is one template and one handler beside it (`pages/sign_in.html`, `pages/sign_in.rs`), and its lines in the table of
//! routes, which say who may open it: [`anyone`] or [`signed_in()`], and for its form [`anyone_sends`] or [`signed_in_sends`]. All of its texts are in `texts`, one file a language.
//!
//! A page works without scripts. It calls the same functions as the endpoints of the API, whose problems it shows beside the
//! fields. What it knows of the browser is a [`Visit`](visit::Visit); `form_token` and `api::same_origin` guard its forms.

mod address_hint;
mod address_question;
mod alert;
mod assets;
mod consent;
mod continued;
mod field;
mod fields;
mod form_token;
mod frame;
mod guard;
mod jar;
mod kept;
mod mailed;
mod mark;
pub(crate) mod paths;
pub mod problem;
mod proof;
mod providers;
mod return_to;
mod site;
mod texts;
mod viewer;
mod visit;

pub mod accounts;
pub mod address;
pub mod address_link;
pub mod code;
pub mod confirm;
pub mod console;
pub mod data;
pub mod erasing;
pub mod export_link;
pub mod forgot;
pub mod history;
pub mod language;
pub mod link;
pub mod login;
pub mod overview;
pub mod password;
pub mod profile;
pub mod proof_code;
pub mod prove;
pub mod provider_consent;
pub mod register;
pub mod reset;
pub mod security;
pub mod sessions;
pub mod sign_in;
pub mod sign_out;
pub mod signed_in;
pub mod undo;

pub(crate) use assets::assets;
pub use guard::{anyone, anyone_sends, signed_in, signed_in_sends};
pub use site::PageSite;
