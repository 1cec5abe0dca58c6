//! With it, `X_User_Id` reaches programs that treat `_` like `-`. The guard sees both spellings.

use crate::finding::{Problems, Rule, Severity};
use crate::rules::identity_guard::unguarded;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "underscores-in-headers",
    severity: Severity::Error,
    finds: "`underscores_in_headers on` in a server that does not refuse identity headers",
    risk: "A client sends `X_User_Id`, which many programs read as `X-User-Id`, and is another user.",
    remedy: "Include snippets/identity-guard.conf in the server, or remove `underscores_in_headers on`.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for server in site.servers() {
        let on = server.scope.the("underscores_in_headers").filter(|on| on.arg(0) == "on");
        if let Some(on) = on.filter(|_| !unguarded(server, site).is_empty()) {
            found.add(on.at, "Headers with `_` are accepted, and a server does not refuse identity headers.");
        }
    }
}
