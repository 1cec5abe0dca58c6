//! The sidecar reads what is demanded in `X-Auth-Policy`. Where nginx does not set it, a client may.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::place::POLICY;
use crate::lint::site::Site;

pub(super) const RULE: Rule = Rule {
    name: "policy-not-sent",
    severity: Severity::Error,
    remedy: "Put `proxy_set_header X-Auth-Policy $auth_policy;` into the location of the question.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for asker in site.askers().filter(|asker| asker.target().is_some()) {
        if asker.header(POLICY).is_none_or(str::is_empty) {
            found.add(asker.at(), format!("`{}` does not tell the sidecar what is demanded.", asker.label()));
        }
    }
}
