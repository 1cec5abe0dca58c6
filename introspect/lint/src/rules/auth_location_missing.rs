//! Without a location of its own the subrequest is answered by any location that matches; with 2xx, everything would be open.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "auth-location-missing",
    severity: Severity::Error,
    finds: "`auth_request` with a path that has no location of its own",
    risk: "Whatever location handles the path answers for the sidecar; if it answers 2xx, every client gets in.",
    remedy: "Include snippets/introspect.conf in the server.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (server, scope) in site.protected() {
        let Some(asked) = scope.auth_request() else { continue };
        // A location for every path is not one for the subrequest.
        if server.auth_location_of(scope).is_none_or(|auth_location| auth_location.path() == "/") {
            found.add(asked.at, format!("`{}` has no location in `{}`.", asked.arg(0), server.scope.label()));
        }
    }
}
