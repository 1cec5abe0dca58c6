//! The origin gets the path as the client sent it; nginx chose the location by the normalised path. Where the two differ
//! (`//`, `..`, encoded `/`), the policy of one path opens another.

use crate::finding::{Problems, Rule, Severity};
use crate::scope::Scope;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "path-guard",
    severity: Severity::Error,
    remedy: "Include snippets/path-guard.conf in the server, and conf.d/paths.conf in `http`.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for server in site.servers() {
        let raw = |scope: &&Scope<'_>| scope.target().is_some_and(|target| target.uri.is_empty());
        let guarded = server.guarded_by(&site.variables).contains("request_uri");
        if let Some(scope) = server.protected().find(raw).filter(|_| !guarded) {
            found.add(
                server.scope.at(),
                format!("Ambiguous paths are passed on, for example by `{}`.", scope.label()),
            );
        }
    }
}
