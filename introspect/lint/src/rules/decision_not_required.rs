//! `auth_request` lets a request through after any 2xx: another program at the sidecar's address would open the location.

use crate::finding::{Problems, Rule, Severity};
use crate::gate;
use crate::model::passes;
use crate::scope::Scope;
use crate::site::{ServerBlock, Site};

pub(crate) const RULE: Rule = Rule {
    name: "decision-not-required",
    severity: Severity::Error,
    finds: "a protected location, or an `if` or `limit_except` in it, that opens after any 2xx, even of another \
            program",
    risk: "If another program ever answers at the address of the sidecar, every client gets in.",
    remedy: "Include snippets/protect.conf and conf.d/decision.conf, and set `proxy_pass http${auth_gate}://origin;`, or for other programs \
             `fastcgi_pass 127.0.0.1:9000${auth_gate};` with the address and its port, or `unix:/run/php.sock${auth_gate}`.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    let asking = site.servers().flat_map(ServerBlock::others).filter(|scope| scope.auth_request().is_some());
    // A location that clients cannot request and that answers by itself is the page of a refusal.
    for scope in asking.filter(|scope| !scope.is_closed() && !is_page(scope)) {
        // Purposefully also the `if` and `limit_except` of a location that have a program of their own.
        let own: Vec<_> = passes().flat_map(|name| scope.own(name)).collect();
        let problem = format!("`{}` opens after any 2xx, even without `allow`.", scope.label());
        for pass in own.iter().filter(|pass| !gate::is_closed(scope, &site.variables, pass.arg(0))) {
            found.add(pass.at, &*problem);
        }
        if own.is_empty() && scope.is_location() && scope.answer().is_none() {
            found.add(scope.at(), problem);
        }
    }
}

/// Whether it is a block that only answers, and no client can request it.
fn is_page(scope: &Scope<'_>) -> bool {
    scope.is_hidden() && scope.answer().is_some()
}
