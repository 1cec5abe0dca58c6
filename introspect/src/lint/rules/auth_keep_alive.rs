//! Before 1.29.7, nginx asks with HTTP/1.0 and `Connection: close` unless told otherwise: a connection a question.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::site::Site;

pub(super) const RULE: Rule = Rule {
    name: "auth-keep-alive",
    severity: Severity::Warning,
    remedy: "Put `proxy_http_version 1.1;` and `proxy_set_header Connection \"\";` into it.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for asker in site.askers().filter(|asker| asker.target().is_some()) {
        let version = asker.the("proxy_http_version").map_or("1.0", |version| version.arg(0));
        let closes = asker.header("Connection") != Some("");
        if version == "1.0" || closes {
            found.add(asker.at(), format!("`{}` makes a connection for each question.", asker.label()));
        }
    }
}
