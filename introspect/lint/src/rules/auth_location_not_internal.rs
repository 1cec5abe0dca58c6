//! A question that clients can ask by themselves tells them about tokens, and loads the sidecar.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "auth-location-not-internal",
    severity: Severity::Error,
    remedy: "Put `internal;` into it. `deny all` does not do.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations().filter(|auth_location| !auth_location.is_hidden()) {
        found.add(auth_location.at(), format!("Clients can get to `{}`.", auth_location.label()));
    }
}
