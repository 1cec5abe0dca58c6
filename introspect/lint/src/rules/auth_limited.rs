//! A limit on the subrequest answers it with 503, which nginx turns into 500: legitimate clients are refused because of others.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "auth-limited",
    severity: Severity::Error,
    finds: "`limit_req` or `limit_conn` in the subrequest location",
    risk: "A few clients exhaust the limit, and all others get 500.",
    remedy: "Move it into the locations that clients request.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations() {
        for limit in ["limit_req", "limit_conn"].into_iter().flat_map(|name| auth_location.own(name)) {
            found.add(limit.at, format!("`{}` limits the subrequests to the sidecar.", limit.name));
        }
    }
}
