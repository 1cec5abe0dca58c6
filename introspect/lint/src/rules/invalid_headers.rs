//! Header names with unusual bytes, such as `X.User.Id`: some programs treat them like identity headers, and no nginx
//! variable has them.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "invalid-headers",
    severity: Severity::Warning,
    finds: "`ignore_invalid_headers off`",
    risk: "A client sends `X.User.Id`, which some programs read as `X-User-Id`, and may be another user.",
    remedy: "Remove `ignore_invalid_headers off`.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for server in site.servers() {
        if let Some(off) = server.scope.the("ignore_invalid_headers").filter(|off| off.arg(0) == "off") {
            found.add(off.at, "Headers with unusual names are accepted.");
        }
    }
}
