//! If clients can request the subrequest location, they can test tokens, and load the sidecar.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "auth-location-not-internal",
    severity: Severity::Error,
    finds: "a subrequest location that clients can request",
    risk: "An attacker can test stolen tokens here, and load the sidecar, without a trace at any program.",
    remedy: "Add `internal;` to it. `deny all` is not enough.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations().filter(|auth_location| !auth_location.is_hidden()) {
        found.add(auth_location.at(), format!("Clients can request `{}`.", auth_location.label()));
    }
}
