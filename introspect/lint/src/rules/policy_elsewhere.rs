//! A policy in the server is set again in the `auth_request` subrequest and replaces that of the location; one in an `if`
//! depends on the request.

use crate::finding::{Problems, Rule, Severity};
use crate::scope::Scope;
use crate::site::Site;
use crate::variables::bare;

pub(crate) const RULE: Rule = Rule {
    name: "policy-elsewhere",
    severity: Severity::Error,
    risk: "The subrequest sets it again, so that a strict location is judged by this policy, or a client chooses whether it applies.",
    remedy: "Move it into the block of the location that it is for.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    let variables = site.policy_variables();
    for server in site.servers() {
        let ifs = server.scope.ifs().chain(server.scopes.iter().flat_map(Scope::ifs));
        for block in std::iter::once(server.scope.block()).chain(ifs) {
            for set in block.named("set").filter(|set| variables.contains(bare(set.arg(0)))) {
                found.add(set.at, format!("The policy is set in `{}`, not in a location.", block.name));
            }
        }
    }
}
