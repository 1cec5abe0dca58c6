//! All logs have one id per request: nginx generates it, and the programs behind log it. A client's own could be anything.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::variables::only;

pub(crate) const RULE: Rule = Rule {
    name: "request-id",
    severity: Severity::Warning,
    finds: "a location that does not pass on `$request_id`",
    risk: "An attack cannot be followed through the logs, or a client chooses the id under which it is logged.",
    remedy: "Set `proxy_set_header X-Request-Id $request_id;` in the location.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    let proxied = site.proxied().map(|(_, scope)| scope);
    for scope in site.auth_locations().filter(|auth_location| auth_location.target().is_some()).chain(proxied)
    {
        if scope.header("X-Request-Id").and_then(only) != Some("request_id") {
            found.add(scope.at(), format!("`{}` does not pass on nginx's request ID.", scope.label()));
        }
    }
}
