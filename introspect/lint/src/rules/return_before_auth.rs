//! `return` and `rewrite` act in nginx's rewrite phase, `auth_request` in the access phase after it.

use crate::finding::{Problems, Rule, Severity};
use crate::rules::preflight_before_auth::asks_for_method;
use crate::scope::status;
use crate::site::Site;
use crate::tree::Directive;

pub(crate) const RULE: Rule = Rule {
    name: "return-before-auth",
    severity: Severity::Error,
    remedy: "Answer in a location without `auth_request`, and let the protected one proxy.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.protected() {
        let own = std::iter::once(scope.block());
        for block in own.chain(scope.ifs().filter(|asked| !asks_for_method(asked))) {
            for early in block.inside().iter().filter(|directive| answers(directive)) {
                let problem =
                    format!("In `{}` `{}` acts before the sidecar is asked.", scope.label(), early.name);
                found.add(early.at, problem);
            }
        }
    }
}

/// Refusals do not count: they serve nothing. A `rewrite` redirects the client, or continues in another location,
/// which may be open; with `break` it stays in this one.
fn answers(directive: &Directive) -> bool {
    match &*directive.name {
        "return" => status(directive) < 400,
        "rewrite" => directive.arg(2) != "break",
        _ => false,
    }
}
