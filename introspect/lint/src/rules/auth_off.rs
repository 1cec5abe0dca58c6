//! `auth_request off` where the block around asks: one forgotten line of a location opens it. Places that only
//! answer by themselves, such as pages of refusals, need it and give nothing.

use crate::finding::{Problems, Rule, Severity};
use crate::site::{ServerBlock, Site};

pub(crate) const RULE: Rule = Rule {
    name: "auth-off",
    severity: Severity::Error,
    remedy: "Ask the sidecar in the locations that need it instead of in the server, or write the location's policy as `anonymous`.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for scope in site.servers().flat_map(ServerBlock::others) {
        let asked_around = scope.inherited("auth_request").iter().any(|asked| asked.arg(0) != "off");
        let answers_itself = scope.is_hidden() || scope.answer().is_some();
        for off in
            scope.own("auth_request").filter(|asked| asked.arg(0) == "off" && asked_around && !answers_itself)
        {
            found.add(
                off.at,
                format!("`{}` is open, although the block around it asks the sidecar.", scope.label()),
            );
        }
    }
}
