//! A location with a policy that does not ask the sidecar looks protected and is open.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::variables::bare;

pub(crate) const RULE: Rule = Rule {
    name: "policy-unused",
    severity: Severity::Error,
    finds: "a policy in a location that does not ask the sidecar",
    risk: "Readers believe that the location is protected, and every client gets in.",
    remedy: "Include snippets/protect.conf in the same block, or remove the policy.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    let variables = site.policy_variables();
    for server in site.servers() {
        for scope in server.others().filter(|scope| scope.is_location() && scope.auth_request().is_none()) {
            for set in scope.own("set").filter(|set| variables.contains(bare(set.arg(0)))) {
                found.add(set.at, format!("`{}` has a policy, but does not ask the sidecar.", scope.label()));
            }
        }
    }
}
