//! With `satisfy any` an allowed address or a password replaces the sidecar's decision.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "satisfy-any",
    severity: Severity::Error,
    remedy: "Remove `satisfy any`, and make a location of its own for what needs no token.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.protected() {
        if let Some(satisfy) = scope.the("satisfy").filter(|satisfy| satisfy.arg(0) == "any") {
            found.add(satisfy.at, "With `satisfy any`, an allowed address or a password opens the location without the sidecar.");
        }
    }
}
