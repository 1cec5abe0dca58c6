//! A protected location says what it demands in its own block: `set` is not inherited, and a policy of another
//! block comes along when a request is redirected inside nginx.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::site::Site;
use crate::lint::variables::bare;

pub(super) const RULE: Rule = Rule {
    name: "policy-missing",
    severity: Severity::Error,
    remedy: "Put `set $auth_policy \"user\";`, or what it should be, beside `auth_request` in the same block.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (server, place) in site.protected() {
        let Some(variable) = server.policy_variable(place) else { continue };
        if !place.own("set").any(|set| bare(set.arg(0)) == variable) {
            found.add(
                place.at(),
                format!("`{}` asks the sidecar without a policy of its own.", place.label()),
            );
        }
    }
}
