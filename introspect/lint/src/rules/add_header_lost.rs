//! `add_header` is inherited only by a block that has none: the response lacks the headers of the outer block.

use crate::finding::{Problems, Rule, Severity};
use crate::site::{ServerBlock, Site};

pub(crate) const RULE: Rule = Rule {
    name: "add-header-lost",
    severity: Severity::Warning,
    finds: "`add_header` that removes those of the outer block",
    risk: "Responses lack headers that protect browsers, such as Strict-Transport-Security.",
    remedy: "Include snippets/headers.conf in the same block.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for scope in site.servers().flat_map(ServerBlock::others) {
        // Since 1.29.3 a block can add to the headers that it inherits.
        let lost: Vec<_> = scope.lost("add_header").into_iter().map(|header| header.arg(0)).collect();
        let merges = scope.says("add_header_inherit", "merge");
        if let (false, Some(first)) = (lost.is_empty() || merges, scope.first("add_header")) {
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
