//! If the policy has variables, what is required depends on the request, and cannot be read from the configuration.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::variables::{bare, names};

pub(crate) const RULE: Rule = Rule {
    name: "policy-not-constant",
    severity: Severity::Error,
    finds: "a policy with variables",
    risk: "A client that influences the variable chooses what is required of it.",
    remedy: "Write each policy as a constant, in its own location.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    let variables = site.policy_variables();
    for server in site.servers() {
        for set in server.scopes.iter().flat_map(|scope| scope.own("set")) {
            if variables.contains(bare(set.arg(0))) && !names(set.arg(1)).is_empty() {
                found.add(set.at, format!("The policy `{}` has variables.", set.arg(1)));
            }
        }
    }
}
