//! `introspect lint-nginx`: finds what in a gateway's configuration leaves a location open, spoofable or slow.
//!
//! The output of `nginx -T` meets the files in this order: [`dump`] (files), [`lexer`] and [`tree`] (their
//! directives), [`mod@include`] (one tree), [`site`] with [`scope`], [`target`], [`location_regex`],
//! [`variables`] and [`gate`] (what it means), [`rules`] (what is wrong with it), [`check`] (one run), [`report`] (output for
//! people and for programs), [`command`] (the command line). At the base: [`source`], [`headers`], [`values`].
//!
//! Nothing here runs while the sidecar serves requests. The grammar of policies is in `shared::policy`, as for
//! the sidecar.

mod check;
pub mod command;
mod dump;
pub mod finding;
mod gate;
pub mod headers;
mod include;
mod lexer;
mod location_regex;
pub mod report;
pub mod rules;
mod scope;
mod site;
mod source;
mod target;
mod tree;
mod values;
mod variables;

pub use check::{LintOutcome, lint};
pub use source::NotUnderstood;
