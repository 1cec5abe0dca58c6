//! With HTTP/2 nginx does not reuse a connection after an empty response, and the sidecar does not support it.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "auth-http2",
    severity: Severity::Warning,
    finds: "HTTP/2 to the sidecar",
    risk: "Each request costs a new connection, or fails, because the sidecar does not support HTTP/2.",
    remedy: "Set `proxy_http_version 1.1;`.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations() {
        if let Some(version) =
            auth_location.the("proxy_http_version").filter(|version| version.arg(0).starts_with('2'))
        {
            found.add(version.at, "nginx asks the sidecar with HTTP/2.");
        }
    }
}
