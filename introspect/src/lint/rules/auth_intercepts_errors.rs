//! Intercepted, the sidecar's refusal becomes nginx's own page, and its challenge is lost.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::site::Site;

pub(super) const RULE: Rule = Rule {
    name: "auth-intercepts-errors",
    severity: Severity::Error,
    remedy: "Put `proxy_intercept_errors off;` into the location of the question.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for asker in site.askers().filter(|asker| asker.says("proxy_intercept_errors", "on")) {
        found.add(asker.at(), format!("In `{}` nginx replaces what the sidecar says.", asker.label()));
    }
}
