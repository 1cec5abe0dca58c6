//! The sidecar is asked once, when a connection begins: after a revocation an open WebSocket or stream continues.

use std::time::Duration;

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::values::time;

pub(crate) const RULE: Rule = Rule {
    name: "long-connection",
    severity: Severity::Warning,
    finds: "WebSockets, or a timeout over 300 s, in a protected location",
    risk: "A user whose token was revoked keeps the connection for as long as it is open.",
    remedy: "Let the program behind nginx close such connections after the life of a token, and set a short `proxy_read_timeout`.",
    check,
};

/// Longer than any response that is not a stream.
const LONG: Duration = Duration::from_secs(300);

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.proxied().filter(|(_, scope)| scope.auth_request().is_some()) {
        if scope.header("Upgrade").is_some_and(|value| !value.is_empty()) {
            found.add(scope.at(), format!("A WebSocket in `{}` can outlive its token.", scope.label()));
        }
        let limit = scope.the("proxy_read_timeout");
        if let Some(limit) = limit.filter(|limit| time(limit.arg(0)).is_some_and(|limit| limit > LONG)) {
            found.add(
                limit.at,
                format!("With `proxy_read_timeout {}`, a stream can outlive its token.", limit.arg(0)),
            );
        }
    }
}
