//! `introspect lint-nginx`: finds what in a gateway's configuration leaves a location open, spoofable or slow.
//!
//! The output of `nginx -T` meets the files in this order: [`dump`] (files), [`lexer`] and [`tree`] (their
//! directives), [`mod@include`] (one tree), [`site`] with [`scope`], [`target`], [`location_regex`], [`error_page`],
//! [`variables`] and [`gate`] (what it means), [`model`] (by which ways a request reaches a program), [`rules`] (what is wrong
//! with it), [`check`] (one run), [`way`] (the table), [`report`] (output for people and for programs), [`command`] (the command line). At the base:
//! [`source`], [`headers`], [`values`], [`variable_name`].
//!
//! That a program is reached unasked is decided by the model alone. The rules are about all else: hygiene and cost.
//!
//! Nothing here runs while the sidecar serves requests. The grammar of policies is in `shared::policy`, as for
//! the sidecar.

mod check;
pub mod command;
mod dump;
mod error_page;
pub mod finding;
mod gate;
pub mod headers;
mod include;
mod lexer;
mod location_regex;
pub mod model;
pub mod report;
pub mod rules;
mod scope;
mod site;
mod source;
mod target;
mod tree;
mod values;
mod variable_name;
mod variables;
pub mod way;

pub use check::{LintOutcome, lint, lint_with};
pub use source::{NotUnderstood, text};
