//! `auth_request` takes a constant path: neither variables nor a query have an effect in it.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "auth-uri",
    severity: Severity::Error,
    finds: "`auth_request` with a query or variables",
    risk: "The subrequest goes to another location than intended, and the text after the `?` is not sent to the sidecar.",
    remedy: "Name a location, such as `auth_request /_introspect;`, and put the requirements into `$auth_policy`.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.protected() {
        if let Some(asked) = scope.auth_request().filter(|asked| asked.arg(0).contains(['?', '$'])) {
            found.add(asked.at, format!("`{}` is used literally, with its `?` and `$`.", asked.arg(0)));
        }
    }
}
