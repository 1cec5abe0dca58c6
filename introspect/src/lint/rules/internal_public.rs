//! admin's internal prefixes, metrics and health are for the machines beside it, not for clients.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::place::Place;
use crate::lint::site::Site;

pub(super) const RULE: Rule = Rule {
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
            let Some(place) = server.find(path).filter(|place| is_open(place)) else { continue };
            // The origin's own pages under such a name are its own affair, when it is not for them alone.
            let to_origin = place.target().is_some_and(|target| origins.contains(target.authority));
            if !to_origin || place.path().contains(path.trim_end_matches('/')) {
                found.add(place.at(), format!("`{}` passes {path} on for everybody.", place.label()));
            }
        }
    }
}

fn is_open(place: &Place<'_>) -> bool {
    let denied = place.effective("deny").iter().any(|deny| deny.arg(0) == "all");
    place.target().is_some() && place.auth_request().is_none() && !place.is_hidden() && !denied
}
