//! A location that proxies and does not set an identity header passes on the one that the client sent. If it passes on no
//! header of the client, a protected location must still send the user.

use crate::finding::{Problems, Rule, Severity};
use crate::headers::{IDENTITY, USER};
use crate::scope::header;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "identity-not-set",
    severity: Severity::Error,
    finds: "a location that passes on an identity header of the client, or a protected one that sends no \
            `X-User-Id`",
    risk: "A client sends the header itself, and is another user for the program.",
    remedy: "Include snippets/proxy.conf in the location.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.proxied() {
        let names = match (scope.says("proxy_pass_request_headers", "off"), scope.auth_request()) {
            (false, _) => &IDENTITY[..],
            (true, Some(_)) => &[USER],
            (true, None) => continue,
        };
        let set = scope.effective("proxy_set_header");
        let lost = scope.lost("proxy_set_header");
        // Another rule reports headers that were not inherited.
        let is_set = |name: &str| header(&set, name).is_some() || header(&lost, name).is_some();
        let missing: Vec<_> = names.iter().copied().filter(|name| !is_set(name)).collect();
        if !missing.is_empty() {
            found.add(scope.at(), format!("`{}` does not set {}.", scope.label(), missing.join(", ")));
        }
    }
}
