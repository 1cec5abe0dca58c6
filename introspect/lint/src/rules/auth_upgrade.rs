//! The subrequest is never a WebSocket; the sidecar refuses one.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "auth-upgrade",
    severity: Severity::Error,
    finds: "`Upgrade` or `Connection: upgrade` to the sidecar",
    risk: "The sidecar refuses the subrequest, and so every request to the location.",
    remedy: "Set `proxy_set_header Connection \"\";` in the location of the auth_request subrequest, and `Upgrade` only in the location that needs it.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations() {
        let upgrades = auth_location.header("Upgrade").is_some_and(|value| !value.is_empty());
        let connection = auth_location.header("Connection").unwrap_or_default();
        if upgrades || connection.contains('$') || connection.eq_ignore_ascii_case("upgrade") {
            found.add(
                auth_location.at(),
                format!("`{}` requests an upgrade from the sidecar.", auth_location.label()),
            );
        }
    }
}
