//! A policy that the sidecar would refuse: the location would be closed to everybody.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::place::POLICY;
use crate::lint::site::Site;
use crate::lint::variables::{bare, names};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "policy-malformed",
    severity: Severity::Error,
    remedy: "Write it as nginx/README.md says: `user` or `anonymous`, then terms with `;` between and no spaces.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    let variables = site.policy_variables();
    for server in site.servers() {
        let set = server.places.iter().flat_map(|place| place.own("set"));
        let set = set.filter(|set| variables.contains(bare(set.arg(0)))).map(|set| (set.at, set.arg(1)));
        let written = server.askers().filter_map(|asker| Some((asker.at(), asker.header(POLICY)?)));
        for (at, text) in set.chain(written).filter(|(_, text)| names(text).is_empty()) {
            if let Err(error) = Policy::parse(text.as_bytes()) {
                found.add(at, format!("`{text}` is refused: {error}."));
            }
        }
    }
}
