//! The sidecar reads what is demanded in `X-Auth-Policy`. Where nginx does not set it, a client may.

use crate::finding::{Problems, Rule, Severity};
use crate::headers::POLICY;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "policy-not-sent",
    severity: Severity::Error,
    remedy: "Put `proxy_set_header X-Auth-Policy $auth_policy;` into the location of the question.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations().filter(|auth_location| auth_location.target().is_some()) {
        if auth_location.header(POLICY).is_none_or(str::is_empty) {
            found.add(
                auth_location.at(),
                format!("`{}` does not tell the sidecar what is demanded.", auth_location.label()),
            );
        }
    }
}
