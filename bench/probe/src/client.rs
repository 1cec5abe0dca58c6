//! Clients at many addresses: their requests pass through a proxy that admin trusts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::failure::ProbeError;

/// A request is given up after this time, which is longer than admin lets one take.
const LIMIT: Duration = Duration::from_secs(20);

/// A client of admin whose address is in `X-Forwarded-For`; admin must trust the address of this machine.
#[derive(Debug, Clone)]
pub(crate) struct ForwardedClient {
    http: reqwest::Client,
    base: String,
}

/// What admin answered, and after which time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timed {
    pub(crate) status: u16,
    pub(crate) took: Duration,
}

/// Where the requests of a flood come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FloodSource {
    /// One IPv4 address.
    One,
    /// Many IPv4 networks of 256 addresses.
    Ipv4,
    /// Many IPv6 /48 networks.
    Slash48,
    /// Many IPv6 /64 networks of one /48.
    Slash64,
}

impl ForwardedClient {
    /// A client of the address `base`, such as `http://127.0.0.1:8001`.
    pub(crate) fn new(base: &str) -> Result<Self, ProbeError> {
        let http = reqwest::Client::builder().tcp_nodelay(true).timeout(LIMIT).build()?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned() })
    }

    /// Sends a body to a path below `/api/v1/auth/`.
    pub(crate) async fn post(&self, path: &str, body: &Value, from: IpAddr) -> Result<Timed, ProbeError> {
        Ok(self.post_for_body(path, body, from).await?.0)
    }

    /// The same, and the body of the answer.
    pub(crate) async fn post_for_body(
        &self,
        path: &str,
        body: &Value,
        from: IpAddr,
    ) -> Result<(Timed, Value), ProbeError> {
        let asked = Instant::now();
        let call = self.http.post(format!("{}/api/v1/auth/{path}", self.base));
        let answer = call.header("x-forwarded-for", from.to_string()).json(body).send().await?;
        let status = answer.status().as_u16();
        let body = answer.json().await?;
        Ok((Timed { status, took: asked.elapsed() }, body))
    }

    /// Signs in.
    pub(crate) async fn sign_in(
        &self,
        email: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<Timed, ProbeError> {
        self.post("login", &json!({ "email": email, "password": password }), from).await
    }
}

impl FloodSource {
    /// The address of the request `number`, of one of `networks` networks.
    pub(crate) fn address(self, number: u32, networks: u32) -> IpAddr {
        let network = number % networks.max(1);
        let documentation = u128::from(0x2001_0db8_u32) << 96;
        match self {
            Self::One => Ipv4Addr::new(198, 51, 100, 1).into(),
            // The range between carriers and their customers (RFC 6598), with 16,384 networks.
            Self::Ipv4 => Ipv4Addr::from_bits(0x6440_0000 | ((network & 0x3fff) << 8) | 1).into(),
            Self::Slash48 => {
                Ipv6Addr::from_bits(documentation | (u128::from(network & 0xffff) << 80) | 1).into()
            }
            Self::Slash64 => {
                Ipv6Addr::from_bits(documentation | (u128::from(network & 0xffff) << 64) | 1).into()
            }
        }
    }
}

/// An address of a network that no other client of a measurement has.
pub(crate) fn honest_address(number: u32) -> IpAddr {
    // 16,384 other networks of 256 addresses.
    Ipv4Addr::from_bits(0xc000_0001 | ((number & 0x3fff) << 8)).into()
}

/// A name that no other run has.
pub(crate) fn unique() -> String {
    #[expect(clippy::disallowed_methods, reason = "each run has users of its own")]
    let id = uuid::Uuid::now_v7();
    id.simple().to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_request_of_a_flood_has_an_address_of_its_own() {
        for (source, distinct) in [
            (FloodSource::One, 1),
            (FloodSource::Ipv4, 2_000),
            (FloodSource::Slash48, 2_000),
            (FloodSource::Slash64, 2_000),
        ] {
            let addresses: HashSet<_> = (0..6_000).map(|number| source.address(number, 2_000)).collect();
            assert_eq!(addresses.len(), distinct, "{source:?}");
        }
        let text = |source: FloodSource| source.address(7, 2_000).to_string();
        assert_eq!(text(FloodSource::Ipv4), "100.64.7.1");
        assert_eq!(text(FloodSource::Slash48), "2001:db8:7::1");
        assert_eq!(text(FloodSource::Slash64), "2001:db8:0:7::1");
        assert_eq!(honest_address(7).to_string(), "192.0.7.1");
    }
}
