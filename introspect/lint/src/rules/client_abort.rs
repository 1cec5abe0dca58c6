//! By default nginx drops a request whose client disconnects, also while it asks the sidecar: a change that the client sent
//! is lost.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "client-abort",
    severity: Severity::Warning,
    finds: "a location that loses a change when its client disconnects",
    risk: "A sign-out or a change that a client sent before it disconnected does not happen.",
    remedy: "Set `proxy_ignore_client_abort on;`, as snippets/proxy.conf and snippets/introspect.conf do.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    let proxied = site.proxied().map(|(_, scope)| scope).filter(|scope| scope.is_location());
    let asked = site.auth_locations().filter(|auth_location| auth_location.target().is_some());
    for scope in asked.chain(proxied) {
        if !scope.says("proxy_ignore_client_abort", "on") {
            found.add(
                scope.at(),
                format!("A change is lost if its client disconnects during `{}`.", scope.label()),
            );
        }
    }
}
