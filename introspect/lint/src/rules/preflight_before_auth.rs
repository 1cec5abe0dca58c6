//! A response that depends on the method alone, before the sidecar is asked, is meant for the preflights of browsers, but
//! every client can send that method, from any origin.

use crate::finding::{Problems, Rule, Severity};
use crate::scope::status;
use crate::site::Site;
use crate::tree::Directive;
use crate::variables::names;

pub(crate) const RULE: Rule = Rule {
    name: "preflight-before-auth",
    severity: Severity::Error,
    finds: "an `if` on the method that answers before the sidecar is asked, other than \
            `snippets/preflight.conf`",
    risk: "Every client can send this method, from any origin and without a token, and gets this answer.",
    remedy: "Include snippets/preflight.conf in the server, which answers only real preflights of listed origins.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for server in site.servers() {
        for scope in std::iter::once(&server.scope).chain(server.protected()) {
            for asked in scope.ifs().filter(|asked| asks_for_method(asked)) {
                if asked.named("return").any(|answer| status(answer) < 400) {
                    found.add(
                        asked.at,
                        format!(
                            "`{}` answers because of the method, before the sidecar is asked.",
                            scope.label()
                        ),
                    );
                }
            }
        }
    }
}

/// Whether the condition of an `if` is about the method.
pub(crate) fn asks_for_method(asked: &Directive) -> bool {
    asked.args.iter().any(|word| names(word).contains(&"request_method"))
}
