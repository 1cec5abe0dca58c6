//! A policy from a header, an argument or the path: the client would choose what is demanded of it.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::place::{POLICY, Place};
use crate::lint::site::Site;
use crate::lint::variables::{bare, only};

pub(super) const RULE: Rule = Rule {
    name: "policy-from-client",
    severity: Severity::Error,
    remedy: "Send a variable that only `set` in a protected location gives a value.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for server in site.servers() {
        for asker in server.askers() {
            let Some(text) = asker.header(POLICY) else { continue };
            // What locations set has rules of its own.
            let set = only(text).is_some_and(|name| server.places.iter().any(|place| sets(place, name)));
            if !set && site.variables.client_chooses(text) {
                found.add(asker.at(), format!("A client can choose `{text}`, which is sent as the policy."));
            }
        }
    }
}

fn sets(place: &Place<'_>, name: &str) -> bool {
    place.own("set").any(|set| bare(set.arg(0)) == name)
}
