//! The document of the API: its form, its examples against a running service, and requests made of it.

mod arrange;
mod arrive;
mod examples;
mod form;
mod fuzz;
mod generate;
mod page;
mod spec;
