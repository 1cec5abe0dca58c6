//! With a path in `proxy_pass`, or after `rewrite ... break`, the origin gets a path that nginx has decoded: an encoded `%`
//! or `/` has another meaning there.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::target::ProxyTarget;

pub(crate) const RULE: Rule = Rule {
    name: "proxy-pass-uri",
    severity: Severity::Warning,
    finds: "a protected location whose origin gets a decoded or changed path",
    risk: "The program may serve another path than the one whose policy was checked.",
    remedy: "Set `proxy_pass http${auth_gate}://origin;` without a path, so that the origin gets the path as the client sent it.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.proxied().filter(|(_, scope)| scope.auth_request().is_some()) {
        for pass in scope.own("proxy_pass") {
            let ProxyTarget { authority, uri, .. } = ProxyTarget::parse(pass.arg(0));
            if !uri.is_empty() && !uri.contains('$') && !authority.contains('$') {
                found.add(pass.at, format!("The origin gets `{uri}` and a decoded path."));
            }
        }
        for rewrite in scope.own("rewrite").filter(|rewrite| rewrite.arg(2) == "break") {
            found.add(rewrite.at, "The origin gets a decoded and changed path.");
        }
    }
}
