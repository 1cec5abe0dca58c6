//! The cookie with the access token is a token like any other; the client's other cookies may pass.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::site::Site;
use crate::lint::variables::names;

pub(super) const RULE: Rule = Rule {
    name: "cookie-to-origin",
    severity: Severity::Error,
    remedy: "Put `proxy_set_header Cookie $cookie_for_origin;` into the location, as snippets/origin.conf does.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    let origins = site.origins();
    for (_, place) in site.proxied() {
        let to_origin = place.target().is_some_and(|target| origins.contains(target.authority));
        let value = place.header("Cookie").unwrap_or("$http_cookie");
        let passed = !place.says("proxy_pass_request_headers", "off") || place.header("Cookie").is_some();
        if to_origin && passed && names(value).contains(&"http_cookie") {
            found.add(place.at(), format!("`{}` passes the cookie with the access token on.", place.label()));
        }
    }
}
