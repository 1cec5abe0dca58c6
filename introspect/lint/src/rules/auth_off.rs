//! `auth_request off` inside a block that asks the sidecar: one forgotten line opens a location. Pages of refusals need it,
//! and serve nothing.

use crate::finding::{Problems, Rule, Severity};
use crate::site::{ServerBlock, Site};

pub(crate) const RULE: Rule = Rule {
    name: "auth-off",
    severity: Severity::Error,
    remedy: "Ask the sidecar in the locations that need it instead of in the server, or set the policy of the location to `anonymous`.",
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
                format!("`{}` is open, although the outer block asks the sidecar.", scope.label()),
            );
        }
    }
}
