//! Before 1.29.7, nginx asks with HTTP/1.0 and `Connection: close` unless told otherwise: a connection a question.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "auth-keep-alive",
    severity: Severity::Warning,
    remedy: "Put `proxy_http_version 1.1;` and `proxy_set_header Connection \"\";` into it.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations().filter(|auth_location| auth_location.target().is_some()) {
        let version = auth_location.the("proxy_http_version").map_or("1.0", |version| version.arg(0));
        let closes = auth_location.header("Connection") != Some("");
        if version == "1.0" || closes {
            found.add(
                auth_location.at(),
                format!("`{}` makes a connection for each question.", auth_location.label()),
            );
        }
    }
}
