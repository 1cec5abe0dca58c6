//! A token that the origin logs or leaks is good elsewhere; it is told who is asking, which is all that it needs.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::site::Site;
use crate::lint::variables::names;

pub(super) const RULE: Rule = Rule {
    name: "token-to-origin",
    severity: Severity::Error,
    remedy: "Put `proxy_set_header Authorization \"\";` into the location, as snippets/origin.conf does.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    let origins = site.origins();
    for (_, place) in site.proxied() {
        let to_origin = place.target().is_some_and(|target| origins.contains(target.authority));
        let value = place.header("Authorization").unwrap_or("$http_authorization");
        let passed =
            !place.says("proxy_pass_request_headers", "off") || place.header("Authorization").is_some();
        if to_origin && passed && names(value).contains(&"http_authorization") {
            found.add(place.at(), format!("`{}` passes the client's access token on.", place.label()));
        }
    }
}
