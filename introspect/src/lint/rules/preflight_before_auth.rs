//! Answering by the method before anybody is asked: meant for the preflights of browsers, it answers whoever
//! sends that method, from any origin.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::place::status;
use crate::lint::site::Site;
use crate::lint::tree::Directive;
use crate::lint::variables::names;

pub(super) const RULE: Rule = Rule {
    name: "preflight-before-auth",
    severity: Severity::Error,
    remedy: "Include snippets/preflight.conf in the server, which answers real preflights of listed origins alone.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for server in site.servers() {
        for place in std::iter::once(&server.place).chain(server.protected()) {
            for asked in place.ifs().filter(|asked| asks_for_method(asked)) {
                if asked.named("return").any(|answer| status(answer) < 400) {
                    found.add(
                        asked.at,
                        format!("`{}` answers by the method before the sidecar is asked.", place.label()),
                    );
                }
            }
        }
    }
}

/// Whether the condition of an `if` is about the method.
pub(super) fn asks_for_method(asked: &Directive) -> bool {
    asked.args.iter().any(|word| names(word).contains(&"request_method"))
}
