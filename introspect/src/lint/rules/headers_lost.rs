//! `proxy_set_header` is inherited only where a block has none: one of its own, and all of the outer block's are gone.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::place::IDENTITY;
use crate::lint::site::Site;

pub(super) const RULE: Rule = Rule {
    name: "headers-lost",
    severity: Severity::Error,
    remedy: "Include snippets/proxy.conf in the same block.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, place) in site.proxied() {
        let lost = place.lost("proxy_set_header").into_iter().map(|set| set.arg(0));
        let lost: Vec<_> =
            lost.filter(|name| IDENTITY.iter().any(|ours| ours.eq_ignore_ascii_case(name))).collect();
        if let (false, Some(first)) = (lost.is_empty(), place.first("proxy_set_header")) {
            found.add(
                first.at,
                format!("For this line `{}` loses {} of the block around.", place.label(), lost.join(", ")),
            );
        }
    }
}
