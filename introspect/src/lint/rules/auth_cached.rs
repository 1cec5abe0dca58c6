//! A kept answer ignores revocations, and with nginx's own key one good token opens the door to everybody.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::site::Site;

pub(super) const RULE: Rule = Rule {
    name: "auth-cached",
    severity: Severity::Error,
    remedy: "Put `proxy_cache off;` into the question; the sidecar needs no cache before it.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for asker in site.askers() {
        if let Some(cache) = asker.the("proxy_cache").filter(|cache| cache.arg(0) != "off") {
            found.add(cache.at, format!("The sidecar's answers to `{}` are kept.", asker.label()));
        }
    }
}
