//! The `auth_request` subrequest has no body. With the client's body or its length, a POST waits until it times out.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "auth-body",
    severity: Severity::Error,
    finds: "a subrequest with the client's body or its length",
    risk: "Every request with a body waits until the timeout of the sidecar, and then fails.",
    remedy: "Set `proxy_pass_request_body off;` and `proxy_set_header Content-Length \"\";` in the location of the auth_request subrequest.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations().filter(|auth_location| auth_location.target().is_some()) {
        let mut missing = Vec::new();
        if !auth_location.says("proxy_pass_request_body", "off") {
            missing.push("`proxy_pass_request_body off`");
        }
        if auth_location.header("Content-Length") != Some("") {
            missing.push("`proxy_set_header Content-Length \"\"`");
        }
        if !missing.is_empty() {
            found.add(
                auth_location.at(),
                format!("`{}` lacks {}.", auth_location.label(), missing.join(" and ")),
            );
        }
    }
}
