//! A policy in the server is set again in the `auth_request` subrequest and replaces that of the location; one in an `if`
//! depends on the request.

use crate::finding::{Problems, Rule, Severity};
use crate::scope::Scope;
use crate::site::Site;
use crate::tree::Directive;
use crate::variables::bare;

pub(crate) const RULE: Rule = Rule {
    name: "policy-elsewhere",
    severity: Severity::Error,
    finds: "a policy in the server, in an `if`, in the location of the subrequest, by a `map` or a capture, or \
            set twice",
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
        let is_policy = |set: &&Directive| variables.contains(bare(set.arg(0)));
        for set in server.auth_locations().flat_map(|location| location.own("set")).filter(is_policy) {
            found.add(
                set.at,
                "The policy is set in the location of the subrequest, in the place of each location's own.",
            );
        }
        for scope in server.others().filter(|scope| scope.is_location()) {
            let own: Vec<_> = scope.own("set").filter(is_policy).collect();
            for again in own.iter().skip(1) {
                found.add(again.at, format!("`{}` sets its policy twice.", scope.label()));
            }
        }
    }
    for variable in &variables {
        for block in site.variables.blocks(variable) {
            let problem =
                format!("`{}` gives `${variable}` a policy where no location sets one.", block.name);
            found.add(block.at, problem);
        }
        if let Some(at) = site.variables.captured(variable) {
            found.add(
                at,
                format!("A regular expression captures `${variable}`: a client chooses the policy."),
            );
        }
    }
}
