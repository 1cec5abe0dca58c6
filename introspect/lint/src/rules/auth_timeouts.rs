//! A decision takes microseconds. nginx's default timeouts are a minute each: clients would hang for that long.

use std::time::Duration;

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::values::time;

pub(crate) const RULE: Rule = Rule {
    name: "auth-timeouts",
    severity: Severity::Warning,
    finds: "a timeout over 1 s, or none, for the subrequest",
    risk: "If a sidecar stops answering, clients wait for this long, and their connections fill nginx.",
    remedy: "Set `proxy_connect_timeout 100ms;`, `proxy_send_timeout 500ms;` and `proxy_read_timeout 500ms;`, or less.",
    check,
};

/// The longest time that a client should wait for a sidecar that does not answer.
const LONGEST: Duration = Duration::from_secs(1);

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations().filter(|auth_location| auth_location.target().is_some()) {
        for name in ["proxy_connect_timeout", "proxy_send_timeout", "proxy_read_timeout"] {
            match auth_location.the(name) {
                None => found.add(
                    auth_location.at(),
                    format!("`{}` has no {name}: the default is 60 s.", auth_location.label()),
                ),
                Some(limit) if time(limit.arg(0)).is_none_or(|limit| limit > LONGEST) => {
                    found.add(limit.at, format!("{name} for the sidecar is {}.", limit.arg(0)));
                }
                Some(_) => {}
            }
        }
    }
}
