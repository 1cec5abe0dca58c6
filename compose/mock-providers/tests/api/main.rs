//! Every peculiarity of the mock, tested over TCP by a client that knows nothing about OAuth.

// `cfg(test)` always holds here; clippy takes it as the sign that `unwrap` is how a test fails.
#[cfg(test)]
mod authorize;
#[cfg(test)]
mod client;
#[cfg(test)]
mod control;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod fault;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod good;
#[cfg(test)]
mod id_token;
#[cfg(test)]
mod program;
#[cfg(test)]
mod user;
