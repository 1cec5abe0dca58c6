//! Other ways than `proxy_pass` to a program have other directives for its headers, which are not looked at here.

use crate::finding::{Problems, Rule, Severity};
use crate::site::{ServerBlock, Site};

pub(crate) const RULE: Rule = Rule {
    name: "other-pass",
    severity: Severity::Warning,
    remedy: "See to it that each header of ours is set there too, for example `fastcgi_param HTTP_X_USER_ID $auth_user;`.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for scope in site.servers().flat_map(ServerBlock::others) {
        for name in ["fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass"] {
            for pass in scope.own(name) {
                found.add(
                    pass.at,
                    format!("What `{name}` tells the program of who is asking is not checked."),
                );
            }
        }
    }
}
