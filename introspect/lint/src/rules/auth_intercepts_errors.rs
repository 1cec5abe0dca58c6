//! If nginx intercepts a refusal, it sends its own page instead, and the sidecar's challenge is lost.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "auth-intercepts-errors",
    severity: Severity::Error,
    finds: "`proxy_intercept_errors on` in the subrequest location",
    risk: "Clients do not learn why they are refused, and an error page can turn the refusal into another status.",
    remedy: "Set `proxy_intercept_errors off;` in the location of the auth_request subrequest.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in
        site.auth_locations().filter(|auth_location| auth_location.says("proxy_intercept_errors", "on"))
    {
        found.add(
            auth_location.at(),
            format!("In `{}` nginx replaces the refusals of the sidecar.", auth_location.label()),
        );
    }
}
