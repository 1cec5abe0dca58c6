//! `auth_request` lets a request through after any 2xx: another program at the sidecar's address would open the location.

use crate::finding::{Problems, Rule, Severity};
use crate::gate;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "decision-not-required",
    severity: Severity::Error,
    risk: "If another program ever answers at the address of the sidecar, every client gets in.",
    remedy: "Include snippets/protect.conf and conf.d/decision.conf, and set `proxy_pass http${auth_gate}://origin;`.",
    check,
};

/// Directives that have their own headers, which another rule covers.
const OTHERS: [&str; 4] = ["fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass"];

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.protected() {
        let is_other = OTHERS.iter().any(|name| scope.own(name).next().is_some());
        match scope.first("proxy_pass") {
            Some(pass) if gate::is_closed(scope, &site.variables, pass.arg(0)) => {}
            None if is_other || scope.answer().is_some() => {}
            pass => {
                let at = pass.map_or(scope.at(), |pass| pass.at);
                found.add(at, format!("`{}` opens after any 2xx, even without `allow`.", scope.label()));
            }
        }
    }
}
