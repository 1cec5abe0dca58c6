//! A location that proxies and does not set an identity header passes on the one that the client sent.

use crate::finding::{Problems, Rule, Severity};
use crate::headers::IDENTITY;
use crate::scope::header;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "identity-not-set",
    severity: Severity::Error,
    remedy: "Include snippets/proxy.conf in the location.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.proxied().filter(|(_, scope)| !scope.says("proxy_pass_request_headers", "off")) {
        let set = scope.effective("proxy_set_header");
        let lost = scope.lost("proxy_set_header");
        // Another rule reports headers that were not inherited.
        let missing =
            IDENTITY.into_iter().filter(|name| header(&set, name).is_none() && header(&lost, name).is_none());
        let missing: Vec<_> = missing.collect();
        if !missing.is_empty() {
            found.add(scope.at(), format!("`{}` does not set {}.", scope.label(), missing.join(", ")));
        }
    }
}
