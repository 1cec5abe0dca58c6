//! `satisfy any` lets an address or a password stand for the sidecar's consent.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::site::Site;

pub(super) const RULE: Rule = Rule {
    name: "satisfy-any",
    severity: Severity::Error,
    remedy: "Remove `satisfy any`; what needs no token is a location of its own.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, place) in site.protected() {
        if let Some(satisfy) = place.the("satisfy").filter(|satisfy| satisfy.arg(0) == "any") {
            found.add(satisfy.at, "An allowed address or a password does instead of the sidecar's consent.");
        }
    }
}
