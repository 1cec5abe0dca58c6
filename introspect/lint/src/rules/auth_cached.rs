//! A kept answer ignores revocations, and with nginx's own key one good token opens the door to everybody.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "auth-cached",
    severity: Severity::Error,
    remedy: "Put `proxy_cache off;` into the question; the sidecar needs no cache before it.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations() {
        if let Some(cache) = auth_location.the("proxy_cache").filter(|cache| cache.arg(0) != "off") {
            found.add(cache.at, format!("The sidecar's answers to `{}` are kept.", auth_location.label()));
        }
    }
}
