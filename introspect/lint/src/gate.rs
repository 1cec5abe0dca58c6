//! The gate of a protected location: its `proxy_pass` leads to the origin only if the sidecar's response says
//! `allow`.
//!
//! `auth_request` accepts any 2xx. So the address has a variable in its scheme, `http${auth_gate}://origin`, which
//! a `map` of the header defines: as nothing for `allow`, and otherwise as something that makes the address invalid.
//! `auth_request_set` sets it, or sets the variable that the map reads. `fastcgi_pass` and the like have no scheme: there the
//! variable stands at the end, `fastcgi_pass 127.0.0.1:9000${auth_gate}`, and makes the port or the path of the socket invalid.

use crate::headers::{ALLOW, DECISION, response_variable};
use crate::scope::Scope;
use crate::target::after_unix;
use crate::tree::Directive;
use crate::variables::{Variables, bare, only};

/// Parameters of a `map` that are not entries.
const PARAMETERS: [&str; 2] = ["volatile", "hostnames"];

/// Whether an address of `scope` is valid only after a response that says `allow`.
pub(crate) fn is_closed(scope: &Scope<'_>, variables: &Variables<'_>, address: &str) -> bool {
    let Some(gate) = variable(address) else { return false };
    let set = scope.effective("auth_request_set");
    let source =
        |name: &str| set.iter().rfind(|set| bare(set.arg(0)) == name).and_then(|set| only(set.arg(1)));
    let decision = response_variable(DECISION);
    let is_decision = |name: &str| source(name) == Some(&*decision);
    match source(gate) {
        Some(name) => {
            !variables.is_set_otherwise(gate)
                && variables
                    .only_map(name)
                    .is_some_and(|map| only(map.arg(0)) == Some(&*decision) && opens_for_allow_alone(map))
        }
        None => variables
            .only_map(gate)
            .is_some_and(|map| only(map.arg(0)).is_some_and(is_decision) && opens_for_allow_alone(map)),
    }
}

/// The variable in the scheme of an address, or at the end of one without a scheme.
pub(crate) fn variable(address: &str) -> Option<&str> {
    let Some((scheme, _)) = address.split_once("://") else { return variable_at_end(address) };
    only(scheme.strip_prefix("http").or(scheme.strip_prefix("grpc"))?)
}

/// Only after the path of a socket or a number of a port: what follows a name may make another name.
fn variable_at_end(address: &str) -> Option<&str> {
    let (before, gate) = address.split_at(address.find('$')?);
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
    let is_whole = match after_unix(before) {
        Some(path) => !path.is_empty(),
        None => before.rsplit_once(':').is_some_and(|(_, port)| is_port(port)),
    };
    only(gate).filter(|_| is_whole)
}

fn opens_for_allow_alone(map: &Directive) -> bool {
    // With a value it is an entry.
    let is_parameter = |entry: &Directive| PARAMETERS.contains(&&*entry.name) && entry.args.is_empty();
    let mut entries = map.inside().iter().filter(|entry| !is_parameter(entry));
    map.named("default").next().is_some()
        && map.named("include").next().is_none()
        && entries.all(|entry| (is_allow(&entry.name) && entry.arg(0).is_empty()) || is_invalid(entry.arg(0)))
}

/// Whether `http`, this value and `://` begin no address that nginx accepts. Purposefully only what is certain: `s` and `S`
/// make `https://`, and `://other/?` is an address of its own.
fn is_invalid(value: &str) -> bool {
    value.starts_with('-') && !value.contains([':', '/', '$'])
}

/// A plain value, which nginx compares in any case, or a regular expression for this value alone.
fn is_allow(name: &str) -> bool {
    let exact = name.strip_prefix("~^").and_then(|name| name.strip_suffix('$').or(name.strip_suffix("\\z")));
    name == ALLOW || exact == Some(ALLOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_begins_with_a_hyphen_makes_an_address_invalid() {
        for value in ["-", "-refused", "-Not allowed"] {
            assert!(is_invalid(value), "{value}");
        }
        let valid = ["", "s", "S", "s://other", "://other/?", "S://a/", ":", "/", "$a", "-$a", "-://a", "-/"];
        for value in valid.into_iter().chain([" ", "x", "refused", "s-"]) {
            assert!(!is_invalid(value), "{value}");
        }
    }

    #[test]
    fn the_gate_is_the_variable_in_the_scheme() {
        assert_eq!(variable("http${auth_gate}://origin"), Some("auth_gate"));
        assert_eq!(variable("http$gate://origin/a"), Some("gate"));
        assert_eq!(variable("127.0.0.1:9000${gate}"), Some("gate"));
        assert_eq!(variable("unix:/run/php.sock$gate"), Some("gate"));
        assert_eq!(variable("grpc${gate}://a"), Some("gate"));
        for other in [
            "http://origin",
            "http://$gate",
            "https://a$gate",
            "$all",
            "http${a}b://origin",
            "",
            "origin$gate",
            "a:${gate}",
            "a:1$gate/x",
            "a:1$b$gate",
            "unix:$gate",
        ] {
            assert_eq!(variable(other), None, "{other}");
        }
    }
}
