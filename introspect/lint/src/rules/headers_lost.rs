//! `proxy_set_header` is inherited only by a block that has none: with one of its own, it gets none of the outer block.

use crate::finding::{Problems, Rule, Severity};
use crate::headers::IDENTITY;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "headers-lost",
    severity: Severity::Error,
    finds: "`proxy_set_header` that removes those of the outer block",
    risk: "The header of the client passes instead, so that a client can be another user.",
    remedy: "Include snippets/proxy.conf in the same block.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.proxied() {
        let lost = scope.lost("proxy_set_header").into_iter().map(|set| set.arg(0));
        let lost: Vec<_> =
            lost.filter(|name| IDENTITY.iter().any(|ours| ours.eq_ignore_ascii_case(name))).collect();
        if let (false, Some(first)) = (lost.is_empty(), scope.first("proxy_set_header")) {
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
