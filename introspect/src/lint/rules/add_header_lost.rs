//! `add_header` is inherited only where a block has none: the answer lacks the server's headers.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::site::{Server, Site};

pub(super) const RULE: Rule = Rule {
    name: "add-header-lost",
    severity: Severity::Warning,
    remedy: "Include snippets/headers.conf in the same block.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for place in site.servers().flat_map(Server::others) {
        // Since 1.29.3 a block may add to what it inherits.
        let lost: Vec<_> = place.lost("add_header").into_iter().map(|header| header.arg(0)).collect();
        let merges = place.says("add_header_inherit", "merge");
        if let (false, Some(first)) = (lost.is_empty() || merges, place.first("add_header")) {
            found.add(
                first.at,
                format!("For this line `{}` loses {} of the block around.", place.label(), lost.join(", ")),
            );
        }
    }
}
