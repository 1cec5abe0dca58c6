//! A protected location needs a policy in its own block: `set` is not inherited, and an internal redirect brings the
//! policy of another block along.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::variables::bare;

pub(crate) const RULE: Rule = Rule {
    name: "policy-missing",
    severity: Severity::Error,
    risk: "The sidecar refuses such requests, or judges them by the policy of the location that an internal redirect came from.",
    remedy: "Add `set $auth_policy \"user\";`, or another policy, to the same block as `auth_request`.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (server, scope) in site.protected() {
        let Some(variable) = server.policy_variable(scope) else { continue };
        if !scope.own("set").any(|set| bare(set.arg(0)) == variable) {
            found.add(scope.at(), format!("`{}` asks the sidecar without its own policy.", scope.label()));
        }
    }
}
