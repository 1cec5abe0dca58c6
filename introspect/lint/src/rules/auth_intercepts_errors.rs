//! Intercepted, the sidecar's refusal becomes nginx's own page, and its challenge is lost.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "auth-intercepts-errors",
    severity: Severity::Error,
    remedy: "Put `proxy_intercept_errors off;` into the location of the question.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in
        site.auth_locations().filter(|auth_location| auth_location.says("proxy_intercept_errors", "on"))
    {
        found.add(
            auth_location.at(),
            format!("In `{}` nginx replaces what the sidecar says.", auth_location.label()),
        );
    }
}
