//! With a path in `proxy_pass`, or after `rewrite ... break`, the origin gets a path that nginx has decoded: an
//! encoded `%` or `/` means another thing there.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::target::ProxyTarget;
use crate::variables::names;

pub(crate) const RULE: Rule = Rule {
    name: "proxy-pass-uri",
    severity: Severity::Warning,
    remedy: "Say `proxy_pass http://origin;` without a path, so that the origin gets the path as it was sent.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.proxied().filter(|(_, scope)| scope.auth_request().is_some()) {
        for pass in scope.own("proxy_pass") {
            let uri = ProxyTarget::parse(pass.arg(0)).uri;
            if !uri.is_empty() && names(pass.arg(0)).is_empty() {
                found.add(pass.at, format!("The origin gets `{uri}` and a path that was decoded."));
            }
        }
        for rewrite in scope.own("rewrite").filter(|rewrite| rewrite.arg(2) == "break") {
            found.add(rewrite.at, "The origin gets a path that was decoded and changed.");
        }
    }
}
