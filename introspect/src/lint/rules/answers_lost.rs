//! `auth_request_set` is inherited only where a block has none: the origin would not be told who is asking.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::site::Site;

pub(super) const RULE: Rule = Rule {
    name: "answers-lost",
    severity: Severity::Error,
    remedy: "Add the line to snippets/protect.conf instead, or repeat all of them in the same block.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, place) in site.protected() {
        let lost: Vec<_> = place.lost("auth_request_set").into_iter().map(|set| set.arg(0)).collect();
        if let (false, Some(first)) = (lost.is_empty(), place.first("auth_request_set")) {
            found.add(
                first.at,
                format!("For this line `{}` loses {} of the block around.", place.label(), lost.join(", ")),
            );
        }
    }
}
