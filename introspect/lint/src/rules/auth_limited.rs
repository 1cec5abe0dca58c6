//! A limit in the question answers it with 503, which nginx makes 500: the honest are refused for the others.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "auth-limited",
    severity: Severity::Error,
    remedy: "Move it into the locations that clients ask for.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations() {
        for limit in ["limit_req", "limit_conn"].into_iter().flat_map(|name| auth_location.own(name)) {
            found.add(limit.at, format!("`{}` limits questions to the sidecar.", limit.name));
        }
    }
}
