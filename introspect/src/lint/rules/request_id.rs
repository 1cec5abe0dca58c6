//! One id in all logs: nginx makes it, and whoever is behind writes it down. A client's own could be anything.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::site::Site;
use crate::lint::variables::only;

pub(super) const RULE: Rule = Rule {
    name: "request-id",
    severity: Severity::Warning,
    remedy: "Put `proxy_set_header X-Request-Id $request_id;` into the location.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    let proxied = site.proxied().map(|(_, place)| place);
    for place in site.askers().filter(|asker| asker.target().is_some()).chain(proxied) {
        if place.header("X-Request-Id").and_then(only) != Some("request_id") {
            found.add(place.at(), format!("`{}` does not pass nginx's request id on.", place.label()));
        }
    }
}
