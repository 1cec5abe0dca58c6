//! The sidecar would refuse the policy, and so every request to the location.

use shared::policy::Policy;

use crate::finding::{Problems, Rule, Severity};
use crate::headers::POLICY;
use crate::site::Site;
use crate::variables::{bare, names};

pub(crate) const RULE: Rule = Rule {
    name: "policy-malformed",
    severity: Severity::Error,
    finds: "a policy that the sidecar would refuse",
    risk: "The sidecar refuses every request to the location, also those of users with every right.",
    remedy: "Write it as in nginx/README.md: `user` or `anonymous`, then terms separated by `;`, without spaces.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    let variables = site.policy_variables();
    for server in site.servers() {
        let set = server.scopes.iter().flat_map(|scope| scope.own("set"));
        let set = set.filter(|set| variables.contains(bare(set.arg(0)))).map(|set| (set.at, set.arg(1)));
        let written = server
            .auth_locations()
            .filter_map(|auth_location| Some((auth_location.at(), auth_location.header(POLICY)?)));
        for (at, text) in set.chain(written).filter(|(_, text)| names(text).is_empty()) {
            if let Err(error) = Policy::parse(text.as_bytes()) {
                found.add(at, format!("`{text}` is refused: {error}."));
            }
        }
    }
}
