//! The gate of a protected location: its `proxy_pass` leads to the origin only if the sidecar's response says
//! `allow`.
//!
//! `auth_request` accepts any 2xx. So the address has a variable in its scheme, `http${auth_gate}://origin`, which
//! `auth_request_set` sets from a `map` of the header: to nothing for `allow`, and otherwise to something that makes
//! the address invalid.

use crate::headers::{ALLOW, DECISION, response_variable};
use crate::scope::Scope;
use crate::tree::Directive;
use crate::variables::{Variables, bare, only};

/// Parameters of a `map` that are no entries.
const PARAMETERS: [&str; 3] = ["volatile", "hostnames", "include"];

/// Whether an address of `scope` is valid only after a response that says `allow`.
pub(crate) fn is_closed(scope: &Scope<'_>, variables: &Variables<'_>, address: &str) -> bool {
    let Some(gate) = variable(address) else { return false };
    let set = scope.effective("auth_request_set");
    let source = set.into_iter().rfind(|set| bare(set.arg(0)) == gate).and_then(|set| only(set.arg(1)));
    source.and_then(|name| variables.map(name)).is_some_and(opens_for_allow_alone)
}

/// The variable in the scheme of an address.
pub(crate) fn variable(address: &str) -> Option<&str> {
    let (scheme, _) = address.split_once("://")?;
    only(scheme.strip_prefix("http")?)
}

fn opens_for_allow_alone(map: &Directive) -> bool {
    let is_of_decision = only(map.arg(0)) == Some(&*response_variable(DECISION));
    let mut entries = map.inside().iter().filter(|entry| !PARAMETERS.contains(&&*entry.name));
    // `https://` would be valid too.
    let is_invalid = |entry: &Directive| !matches!(entry.arg(0), "" | "s") && !entry.arg(0).contains('$');
    is_of_decision
        && map.named("default").next().is_some()
        && map.named("include").next().is_none()
        && entries.all(|entry| (entry.name == ALLOW && entry.arg(0).is_empty()) || is_invalid(entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gate_is_the_variable_in_the_scheme() {
        assert_eq!(variable("http${auth_gate}://origin"), Some("auth_gate"));
        assert_eq!(variable("http$gate://origin/a"), Some("gate"));
        for other in ["http://origin", "http://$gate", "https://a$gate", "$all", "http${a}b://origin", ""] {
            assert_eq!(variable(other), None, "{other}");
        }
    }
}
