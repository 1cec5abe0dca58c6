//! admin's internal prefixes, metrics and health are for other machines, not for clients.

use crate::finding::{Problems, Rule, Severity};
use crate::scope::Scope;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "internal-public",
    severity: Severity::Error,
    finds: "`/api/v1/admin/`, `/metrics` or `/health` for all clients",
    risk: "Clients reach internal functions, metrics or health, which nothing protects.",
    remedy: "Remove the location, or list the public paths one by one, and answer 404 to all others.",
    check,
};

/// Paths that are not for clients.
const INTERNAL: [&str; 5] = ["/api/v1/admin/", "/metrics", "/health", "/health/live", "/health/ready"];

fn check(site: &Site<'_>, found: &mut Problems) {
    for server in site.servers() {
        for path in INTERNAL {
            let Some(scope) = server.find(path).filter(|scope| is_open(scope)) else { continue };
            // The origin may have pages of its own with such a name, in a location that is for other paths too.
            let to_origin = site.leads_to_origin(scope);
            if !to_origin || scope.path().contains(path.trim_end_matches('/')) {
                found.add(scope.at(), format!("`{}` passes {path} on for all clients.", scope.label()));
            }
        }
    }
}

fn is_open(scope: &Scope<'_>) -> bool {
    let denied = scope.effective("deny").iter().any(|deny| deny.arg(0) == "all");
    scope.target().is_some() && scope.auth_request().is_none() && !scope.is_hidden() && !denied
}
