//! Before 1.29.7 nginx uses HTTP/1.0 and `Connection: close` by default: a new connection for each subrequest.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "auth-keep-alive",
    severity: Severity::Warning,
    finds: "HTTP/1.0 or `Connection: close` to the sidecar, for nginx before 1.29.7",
    risk: "Each request costs a new connection: two to three times the time, and ports run out under load.",
    remedy: "Set `proxy_http_version 1.1;` and `proxy_set_header Connection \"\";` in the location of the auth_request subrequest.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations().filter(|auth_location| auth_location.target().is_some()) {
        let version = auth_location.the("proxy_http_version").map_or("1.0", |version| version.arg(0));
        let closes = auth_location.header("Connection") != Some("");
        if version == "1.0" || closes {
            found.add(
                auth_location.at(),
                format!("`{}` opens a connection for each subrequest.", auth_location.label()),
            );
        }
    }
}
