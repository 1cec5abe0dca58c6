//! `return` acts in nginx's rewrite phase, `auth_request` in the access phase after it. Where a `rewrite` leads is the model's
//! question.

use crate::finding::{Problems, Rule, Severity};
use crate::rules::preflight_before_auth::asks_for_method;
use crate::scope::status;
use crate::site::Site;
use crate::tree::Directive;

pub(crate) const RULE: Rule = Rule {
    name: "return-before-auth",
    severity: Severity::Error,
    finds: "`return` with content or a redirect in a protected location: it acts before the sidecar is asked",
    risk: "Every client gets this answer without a token, whatever the policy of the location says.",
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

/// Refusals do not count: they serve nothing.
fn answers(directive: &Directive) -> bool {
    directive.name == "return" && status(directive) < 400
}
