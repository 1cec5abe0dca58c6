//! Programs behind other directives than `proxy_pass` get their headers from directives that are not checked here.

use crate::finding::{Problems, Rule, Severity};
use crate::site::{ServerBlock, Site};

pub(crate) const RULE: Rule = Rule {
    name: "other-pass",
    severity: Severity::Warning,
    finds: "`fastcgi_pass` and the like, whose headers are not checked",
    risk: "The program may believe an identity header that the client sent.",
    remedy: "Also set each identity header for this program, for example with `fastcgi_param HTTP_X_USER_ID $auth_user;`.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for scope in site.servers().flat_map(ServerBlock::others) {
        for name in ["fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass"] {
            for pass in scope.own(name) {
                found.add(pass.at, format!("The identity that `{name}` passes on is not checked."));
            }
        }
    }
}
