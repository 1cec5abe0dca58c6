//! The question is never a WebSocket; the sidecar refuses one.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::site::Site;

pub(super) const RULE: Rule = Rule {
    name: "auth-upgrade",
    severity: Severity::Error,
    remedy: "Put `proxy_set_header Connection \"\";` into the question, and `Upgrade` into the location that needs it alone.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for asker in site.askers() {
        let upgrades = asker.header("Upgrade").is_some_and(|value| !value.is_empty());
        let connection = asker.header("Connection").unwrap_or_default();
        if upgrades || connection.contains('$') || connection.eq_ignore_ascii_case("upgrade") {
            found.add(asker.at(), format!("`{}` asks the sidecar for an upgrade.", asker.label()));
        }
    }
}
