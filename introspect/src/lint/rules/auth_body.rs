//! The question has no body. With the client's length or body on it, a POST waits until it times out.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::site::Site;

pub(super) const RULE: Rule = Rule {
    name: "auth-body",
    severity: Severity::Error,
    remedy: "Put `proxy_pass_request_body off;` and `proxy_set_header Content-Length \"\";` into it.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for asker in site.askers().filter(|asker| asker.target().is_some()) {
        let mut missing = Vec::new();
        if !asker.says("proxy_pass_request_body", "off") {
            missing.push("`proxy_pass_request_body off`");
        }
        if asker.header("Content-Length") != Some("") {
            missing.push("`proxy_set_header Content-Length \"\"`");
        }
        if !missing.is_empty() {
            found.add(asker.at(), format!("`{}` lacks {}.", asker.label(), missing.join(" and ")));
        }
    }
}
