//! The cookie with the access token is a token like any other; the client's other cookies may pass.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::variables::names;

pub(crate) const RULE: Rule = Rule {
    name: "cookie-to-origin",
    severity: Severity::Error,
    finds: "an origin that gets the cookie with the access token",
    risk: "A token that the program logs or leaks can be used for everything else that its user may do.",
    remedy: "Set `proxy_set_header Cookie $cookie_for_origin;` in the location, as snippets/origin.conf does.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.proxied() {
        let to_origin = site.leads_to_origin(scope);
        let value = scope.header("Cookie").unwrap_or("$http_cookie");
        let passed = !scope.says("proxy_pass_request_headers", "off") || scope.header("Cookie").is_some();
        if to_origin && passed && names(value).contains(&"http_cookie") {
            found.add(scope.at(), format!("`{}` passes on the cookie with the access token.", scope.label()));
        }
    }
}
