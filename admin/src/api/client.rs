//! Who sent a request, as far as the connection and trusted proxies tell.

use std::net::IpAddr;

use http::{HeaderMap, header};

use crate::config::TrustedProxies;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The longest user agent that is kept, in characters.
const MAX_USER_AGENT: usize = 512;

/// The sender of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its address; `None` behind a Unix socket whose proxy did not say.
    pub address: Option<IpAddr>,
    /// What it calls itself, without control characters, at most 512 characters.
    pub user_agent: Option<String>,
}

impl Client {
    /// From the connection's peer (`None` on a Unix socket) and the request's headers.
    pub fn of(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &TrustedProxies) -> Self {
        Self { address: address(peer, headers, trusted), user_agent: user_agent(headers) }
    }
}

/// Walks from the connection back through the proxies, each of which appended whom it heard from, as long
/// as each is trusted. What a client wrote itself stands further left and is never reached.
fn address(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &TrustedProxies) -> Option<IpAddr> {
    let mut nearest = peer.map(|address| address.to_canonical());
    if !trusted.contains(peer) {
        return nearest;
    }
    let lines: Vec<&str> =
        headers.get_all(FORWARDED_FOR).iter().map(|line| line.to_str().unwrap_or_default()).collect();
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        let Ok(hop) = hop.trim().parse::<IpAddr>() else { break };
        let hop = hop.to_canonical();
        nearest = Some(hop);
        if !trusted.contains(Some(hop)) {
            break;
        }
    }
    nearest
}

fn user_agent(headers: &HeaderMap) -> Option<String> {
    let bytes = headers.get(header::USER_AGENT)?.as_bytes();
    let text = String::from_utf8_lossy(bytes);
    let kept: String = text.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT).collect();
    (!kept.is_empty()).then_some(kept)
}
