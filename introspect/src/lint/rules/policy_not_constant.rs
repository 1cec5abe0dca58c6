//! A policy made of variables: what is demanded depends on the request, and cannot be read from the configuration.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::site::Site;
use crate::lint::variables::{bare, names};

pub(super) const RULE: Rule = Rule {
    name: "policy-not-constant",
    severity: Severity::Error,
    remedy: "Write the policy out; a location for each.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    let variables = site.policy_variables();
    for server in site.servers() {
        for set in server.places.iter().flat_map(|place| place.own("set")) {
            if variables.contains(bare(set.arg(0))) && !names(set.arg(1)).is_empty() {
                found.add(set.at, format!("The policy `{}` is made of variables.", set.arg(1)));
            }
        }
    }
}
