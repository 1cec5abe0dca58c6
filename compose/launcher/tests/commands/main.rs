//! The launcher as a user sees it: what its commands start, print and stop.

// `cfg(test)` is always true here; clippy needs it to accept that a test fails by `unwrap`.
#[cfg(test)]
mod origin;
#[cfg(test)]
mod services;
#[cfg(test)]
mod up;
