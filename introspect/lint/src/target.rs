//! Where a `proxy_pass` leads.

/// `http://authority`, with or without a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProxyTarget<'t> {
    pub(crate) scheme: &'t str,
    /// An upstream, a host with or without a port, or `unix:/path`.
    pub(crate) authority: &'t str,
    /// The path that replaces the location's; empty if the client's path is sent unchanged.
    pub(crate) uri: &'t str,
}

impl<'t> ProxyTarget<'t> {
    pub(crate) fn parse(text: &'t str) -> Self {
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        // A variable in the scheme is a gate; the address is the rest.
        let scheme = scheme.split('$').next().unwrap_or_default();
        // The path of a socket contains slashes; a colon ends it.
        let end = match after_unix(rest) {
            Some(path) => path.find(':').map(|end| end + "unix:".len()),
            None => rest.find(['/', '?']),
        };
        let (authority, uri) = rest.split_at(end.unwrap_or(rest.len()));
        Self { scheme, authority, uri: uri.trim_start_matches(':') }
    }
}

/// The path of a socket; nginx reads `unix:` in any case.
pub(crate) fn after_unix(address: &str) -> Option<&str> {
    address
        .get(.."unix:".len())
        .filter(|head| head.eq_ignore_ascii_case("unix:"))
        .and(address.get("unix:".len()..))
}

/// The host of an address, without its port.
fn host(address: &str) -> &str {
    match address.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => host,
        _ => address,
    }
}

/// Whether only this machine can answer at this address.
pub(crate) fn is_local(address: &str) -> bool {
    let host = host(address);
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    after_unix(address).is_some()
        || host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_split_into_its_parts() {
        for (text, scheme, authority, uri) in [
            ("http://introspect", "http", "introspect", ""),
            ("https://a:443/b/c", "https", "a:443", "/b/c"),
            ("http://unix:/run/a.sock", "http", "unix:/run/a.sock", ""),
            ("http://unix:/run/a.sock:/b", "http", "unix:/run/a.sock", "/b"),
            ("http://UNIX:/run/a.sock:/b", "http", "UNIX:/run/a.sock", "/b"),
            ("http://a:1?b/c", "http", "a:1", "?b/c"),
            ("http://$host$uri", "http", "$host$uri", ""),
            ("http${gate}://a/b", "http", "a", "/b"),
            ("$all", "", "$all", ""),
        ] {
            assert_eq!(ProxyTarget::parse(text), ProxyTarget { scheme, authority, uri }, "{text}");
        }
    }

    #[test]
    fn local_is_what_no_other_machine_reaches() {
        for (address, expected) in [
            ("unix:/a", true),
            ("127.0.0.1:8002", true),
            ("127.3.4.5", true),
            ("[::1]:80", true),
            ("localhost:80", true),
            ("10.0.0.1:80", false),
            ("introspect:8002", false),
        ] {
            assert_eq!(is_local(address), expected, "{address}");
        }
    }
}
