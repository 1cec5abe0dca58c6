//! A block that is declared open, and is not: the declaration would hide a later mistake.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "declared-in-vain",
    severity: Severity::Warning,
    finds: "a block that is declared open, and is not",
    risk: "A later change can open the block, and the declaration hides it.",
    remedy: "Remove the comment `# open: ...` from the block.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (at, problem) in site.model.idle_declarations() {
        found.add(at, problem);
    }
}
