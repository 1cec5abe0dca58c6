//! `satisfy any` lets an address or a password stand for the sidecar's consent.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "satisfy-any",
    severity: Severity::Error,
    remedy: "Remove `satisfy any`; what needs no token is a location of its own.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.protected() {
        if let Some(satisfy) = scope.the("satisfy").filter(|satisfy| satisfy.arg(0) == "any") {
            found.add(satisfy.at, "An allowed address or a password does instead of the sidecar's consent.");
        }
    }
}
