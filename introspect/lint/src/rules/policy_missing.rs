//! A protected location says what it demands in its own block: `set` is not inherited, and a policy of another
//! block comes along when a request is redirected inside nginx.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::variables::bare;

pub(crate) const RULE: Rule = Rule {
    name: "policy-missing",
    severity: Severity::Error,
    remedy: "Put `set $auth_policy \"user\";`, or what it should be, beside `auth_request` in the same block.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (server, scope) in site.protected() {
        let Some(variable) = server.policy_variable(scope) else { continue };
        if !scope.own("set").any(|set| bare(set.arg(0)) == variable) {
            found.add(
                scope.at(),
                format!("`{}` asks the sidecar without a policy of its own.", scope.label()),
            );
        }
    }
}
