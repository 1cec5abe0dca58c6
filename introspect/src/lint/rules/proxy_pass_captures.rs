//! A `proxy_pass` made of variables: decoded parts of the path, line ends and `..` included, go into the request.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::site::Site;
use crate::lint::variables::names;

pub(super) const RULE: Rule = Rule {
    name: "proxy-pass-captures",
    severity: Severity::Error,
    remedy: "Say `proxy_pass http://origin;` without variables.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, place) in site.proxied().filter(|(_, place)| place.auth_request().is_some()) {
        for pass in place.own("proxy_pass").filter(|pass| !names(pass.arg(0)).is_empty()) {
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
