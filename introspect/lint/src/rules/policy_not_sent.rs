//! The sidecar reads the policy from `X-Auth-Policy`. If nginx does not set it, a client can.

use crate::finding::{Problems, Rule, Severity};
use crate::headers::POLICY;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "policy-not-sent",
    severity: Severity::Error,
    finds: "an auth_request subrequest without `X-Auth-Policy`",
    risk: "A client that sends the header itself chooses what is required of it.",
    remedy: "Set `proxy_set_header X-Auth-Policy $auth_policy;` in the location of the auth_request subrequest.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations().filter(|auth_location| auth_location.target().is_some()) {
        if auth_location.header(POLICY).is_none_or(str::is_empty) {
            found.add(
                auth_location.at(),
                format!("`{}` does not send a policy to the sidecar.", auth_location.label()),
            );
        }
    }
}
