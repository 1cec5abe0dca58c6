//! A question that clients can ask by themselves tells them about tokens, and loads the sidecar.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::site::Site;

pub(super) const RULE: Rule = Rule {
    name: "auth-location-not-internal",
    severity: Severity::Error,
    remedy: "Put `internal;` into it. `deny all` does not do.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for asker in site.askers().filter(|asker| !asker.is_hidden()) {
        found.add(asker.at(), format!("Clients can get to `{}`.", asker.label()));
    }
}
