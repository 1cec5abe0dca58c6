//! A directive or an address that the model does not understand: it may lead to a program.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "not-read",
    severity: Severity::Unread,
    finds: "a directive or an address that the linter does not understand",
    risk: "The part that was not read may open a program to all clients, and the linter would not know.",
    remedy: "Remove the line, or check by hand that it leads to no protected program. In `proxy_pass` write `http${auth_gate}://origin`, with an `upstream` of constant addresses.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (directive, problem) in &site.model.unread {
        found.add(directive.at, problem);
    }
}
