//! A question without a location of its own is answered by whichever location matches: with 2xx all would be open.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::site::Site;

pub(super) const RULE: Rule = Rule {
    name: "auth-location-missing",
    severity: Severity::Error,
    remedy: "Include snippets/introspect.conf in the server.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (server, place) in site.protected() {
        let Some(asked) = place.auth_request() else { continue };
        // A location for everything is nobody's answer in particular.
        if server.asker_of(place).is_none_or(|asker| asker.path() == "/") {
            found.add(asked.at, format!("`{}` has no location in `{}`.", asked.arg(0), server.place.label()));
        }
    }
}
