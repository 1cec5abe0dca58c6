//! The OpenAPI document: its form, its examples against a running service, and requests generated from it.

mod arrange;
mod arrive;
mod bounds;
mod examples;
mod form;
mod fuzz;
mod generate;
mod page;
mod rounds;
mod spec;
