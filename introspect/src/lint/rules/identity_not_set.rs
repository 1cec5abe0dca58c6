//! A location that passes requests on and does not set a header of ours passes on what the client sent.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::place::{IDENTITY, header};
use crate::lint::site::Site;

pub(super) const RULE: Rule = Rule {
    name: "identity-not-set",
    severity: Severity::Error,
    remedy: "Include snippets/proxy.conf in the location.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, place) in site.proxied().filter(|(_, place)| !place.says("proxy_pass_request_headers", "off")) {
        let set = place.effective("proxy_set_header");
        let lost = place.lost("proxy_set_header");
        // What was lost has a rule of its own.
        let missing =
            IDENTITY.into_iter().filter(|name| header(&set, name).is_none() && header(&lost, name).is_none());
        let missing: Vec<_> = missing.collect();
        if !missing.is_empty() {
            found.add(place.at(), format!("`{}` does not set {}.", place.label(), missing.join(", ")));
        }
    }
}
