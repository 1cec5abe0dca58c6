//! End-to-end tests: requests through the real nginx to real servers. The tests know only addresses.

// `cfg(test)` is always true here; clippy needs it to accept that a test fails by `unwrap`.
#[cfg(test)]
mod access_log;
#[cfg(test)]
mod backup;
#[cfg(test)]
mod bound;
#[cfg(test)]
mod chromium;
#[cfg(test)]
mod cors;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod endings;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod films;
#[cfg(test)]
mod forged;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod gateway_limits;
#[cfg(test)]
mod hang_up;
#[cfg(test)]
mod hung;
#[cfg(test)]
mod journey;
#[cfg(test)]
mod lint_nginx;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod model;
#[cfg(test)]
mod npm;
#[cfg(test)]
mod openid;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod passed_on;
#[cfg(test)]
mod paths;
#[cfg(test)]
mod people;
#[cfg(test)]
mod problems;
#[cfg(test)]
mod receipts;
#[cfg(test)]
mod receiver;
#[cfg(test)]
mod redis_full;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod sentinel;
#[cfg(test)]
mod shipped_config;
#[cfg(test)]
mod sidecar;
#[cfg(test)]
mod support;
#[cfg(test)]
mod takeover;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod traces;
#[cfg(test)]
mod typed_client;
#[cfg(test)]
mod upgrade;
