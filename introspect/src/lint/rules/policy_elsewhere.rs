//! A policy in the server runs again in the question to the sidecar and wipes the location's; one in an `if`
//! depends on the request.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::place::Place;
use crate::lint::site::Site;
use crate::lint::variables::bare;

pub(super) const RULE: Rule = Rule {
    name: "policy-elsewhere",
    severity: Severity::Error,
    remedy: "Move it into the block of the location that it is meant for.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    let variables = site.policy_variables();
    for server in site.servers() {
        let ifs = server.place.ifs().chain(server.places.iter().flat_map(Place::ifs));
        for block in std::iter::once(server.place.block()).chain(ifs) {
            for set in block.named("set").filter(|set| variables.contains(bare(set.arg(0)))) {
                found.add(set.at, format!("The policy is set in `{}`, not in a location.", block.name));
            }
        }
    }
}
