//! The sidecar is asked once, when a connection begins: who is revoked then keeps a WebSocket or stream that is open.

use std::time::Duration;

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::values::time;

pub(crate) const RULE: Rule = Rule {
    name: "long-connection",
    severity: Severity::Warning,
    remedy: "Let the program behind end such connections after the life of a token, and keep `proxy_read_timeout` short.",
    check,
};

/// Longer than any answer takes that is not a stream.
const LONG: Duration = Duration::from_secs(300);

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.proxied().filter(|(_, scope)| scope.auth_request().is_some()) {
        if scope.header("Upgrade").is_some_and(|value| !value.is_empty()) {
            found.add(
                scope.at(),
                format!("A WebSocket in `{}` outlives the token it began with.", scope.label()),
            );
        }
        let limit = scope.the("proxy_read_timeout");
        if let Some(limit) = limit.filter(|limit| time(limit.arg(0)).is_some_and(|limit| limit > LONG)) {
            found.add(limit.at, format!("A stream may be silent for {} and go on.", limit.arg(0)));
        }
    }
}
