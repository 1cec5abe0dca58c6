//! Lines below `alert` that belong to a request contain its query, which may contain codes and tokens.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "error-log-level",
    severity: Severity::Warning,
    finds: "an error log with queries",
    risk: "Everyone who can read the log can use the codes and tokens in it.",
    remedy: "Set `error_log FILE alert;` in `http` or in the server.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for server in site.servers() {
        let outside = || site.tree.iter().rfind(|directive| directive.name == "error_log");
        let log = server.scope.the("error_log").or_else(outside);
        let has_queries = log.is_none_or(|log| !matches!(log.arg(1), "alert" | "emerg"));
        if has_queries {
            found.add(log.map_or(server.scope.at(), |log| log.at), "The error log contains queries.");
        }
    }
}
