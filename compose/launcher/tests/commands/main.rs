//! The launcher as its user meets it: what its commands start, print and end.

// `cfg(test)` always holds here; clippy takes it as the sign that `unwrap` is how a test fails.
#[cfg(test)]
mod services;
#[cfg(test)]
mod up;
