//! A regular expression that the linter cannot read: it is unknown which paths its location handles, so that
//! other rules cannot check it.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "regex-not-understood",
    severity: Severity::Unread,
    finds: "a location whose regular expression cannot be read",
    risk: "The linter does not know which paths the location handles, so that other rules may miss it.",
    remedy: "Write the regular expression in a simpler way, or use a prefix location.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for server in site.servers() {
        for (scope, why) in server.not_understood() {
            found.add(
                scope.at(),
                format!("`{}` cannot be read: {}.", scope.label(), why.0.trim_end_matches('.')),
            );
        }
    }
}
