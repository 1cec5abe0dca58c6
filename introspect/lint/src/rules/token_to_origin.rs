//! A token that the origin logs or leaks is valid elsewhere; the origin gets the user, which is all that it needs.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::variables::names;

pub(crate) const RULE: Rule = Rule {
    name: "token-to-origin",
    severity: Severity::Error,
    finds: "an origin that gets `Authorization`",
    risk: "A token that the program logs or leaks can be used for everything else that its user may do.",
    remedy: "Set `proxy_set_header Authorization \"\";` in the location, as snippets/origin.conf does.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.proxied() {
        let to_origin = site.leads_to_origin(scope);
        let value = scope.header("Authorization").unwrap_or("$http_authorization");
        let passed =
            !scope.says("proxy_pass_request_headers", "off") || scope.header("Authorization").is_some();
        if to_origin && passed && names(value).contains(&"http_authorization") {
            found.add(scope.at(), format!("`{}` passes on the client's access token.", scope.label()));
        }
    }
}
