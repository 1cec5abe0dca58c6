//! A `proxy_pass` made of variables: decoded parts of the path, line ends and `..` included, go into the request.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::variables::names;

pub(crate) const RULE: Rule = Rule {
    name: "proxy-pass-captures",
    severity: Severity::Error,
    remedy: "Say `proxy_pass http://origin;` without variables.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.proxied().filter(|(_, scope)| scope.auth_request().is_some()) {
        for pass in scope.own("proxy_pass").filter(|pass| !names(pass.arg(0)).is_empty()) {
            found.add(
                pass.at,
                format!(
                    "What `{}` becomes, and so what the origin is asked, is made of variables.",
                    pass.arg(0)
                ),
            );
        }
    }
}
