//! `auth_request_set` is inherited only by a block that has none: the origin would not get the user.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "answers-lost",
    severity: Severity::Error,
    finds: "`auth_request_set` that removes those of the outer block",
    risk: "The program gets no user, or a gate stays without its answer, so that requests fail.",
    remedy: "Add the line to snippets/protect.conf instead, or repeat all of them in the same block.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.protected() {
        let lost: Vec<_> = scope.lost("auth_request_set").into_iter().map(|set| set.arg(0)).collect();
        if let (false, Some(first)) = (lost.is_empty(), scope.first("auth_request_set")) {
            found.add(
                first.at,
                format!(
                    "Because of this line `{}` does not inherit {} from the outer block.",
                    scope.label(),
                    lost.join(", ")
                ),
            );
        }
    }
}
