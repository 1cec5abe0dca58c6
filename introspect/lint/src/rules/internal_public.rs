//! admin's internal prefixes, metrics and health are for the machines beside it, not for clients.

use crate::finding::{Problems, Rule, Severity};
use crate::scope::Scope;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "internal-public",
    severity: Severity::Error,
    remedy: "Remove the location, or name one by one the paths that are for everybody, and answer 404 to the rest.",
    check,
};

/// Paths that no client has business with.
const INTERNAL: [&str; 5] = ["/api/v1/admin/", "/metrics", "/health", "/health/live", "/health/ready"];

fn check(site: &Site<'_>, found: &mut Problems) {
    let origins = site.origins();
    for server in site.servers() {
        for path in INTERNAL {
            let Some(scope) = server.find(path).filter(|scope| is_open(scope)) else { continue };
            // The origin's own pages under such a name are its own affair, when it is not for them alone.
            let to_origin = scope.target().is_some_and(|target| origins.contains(target.authority));
            if !to_origin || scope.path().contains(path.trim_end_matches('/')) {
                found.add(scope.at(), format!("`{}` passes {path} on for everybody.", scope.label()));
            }
        }
    }
}

fn is_open(scope: &Scope<'_>) -> bool {
    let denied = scope.effective("deny").iter().any(|deny| deny.arg(0) == "all");
    scope.target().is_some() && scope.auth_request().is_none() && !scope.is_hidden() && !denied
}
