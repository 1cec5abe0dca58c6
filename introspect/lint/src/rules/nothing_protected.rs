//! If no location asks the sidecar, everything is open, or this is another configuration.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "nothing-protected",
    severity: Severity::Error,
    finds: "no location asks the sidecar",
    risk: "Every program behind this nginx is open to all clients, or this is not the configuration that serves them.",
    remedy: "Add a protected location, or run `nginx -T` with the configuration that you want to check.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    if site.protected().next().is_none() {
        let at = site.tree.first().map(|first| first.at).unwrap_or_default();
        found.add(at, "No location asks the sidecar.");
    }
}
