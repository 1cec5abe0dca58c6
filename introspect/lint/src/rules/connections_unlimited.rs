//! nginx has no time limit for a whole request body or a whole response: only `limit_conn` bounds how many slow requests
//! one client has in progress.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "connections-unlimited",
    severity: Severity::Warning,
    finds: "a location without `limit_conn`",
    risk: "One slow client can occupy all connections of nginx.",
    remedy: "Add `limit_conn` with a zone whose key is `$client_network`, as conf.d/limits.conf does.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.proxied().filter(|(_, scope)| scope.is_location()) {
        if scope.the("limit_conn").is_none() {
            found.add(
                scope.at(),
                format!("One client may have any number of requests in progress in `{}`.", scope.label()),
            );
        }
    }
}
