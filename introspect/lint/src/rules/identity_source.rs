//! The user's identity may only come from the sidecar: anything else is forged, or empty.

use crate::finding::{Problems, Rule, Severity};
use crate::headers::{IDENTITY, POLICY};
use crate::scope::Scope;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "identity-source",
    severity: Severity::Error,
    finds: "an identity header whose value is not from the sidecar",
    risk: "A client chooses the value, and is another user for the program; or the program gets no user.",
    remedy: "Set the header from a variable that `auth_request_set` fills with `$upstream_http_...` of the same name.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.proxied() {
        for set in scope.effective("proxy_set_header") {
            let Some(name) = IDENTITY.into_iter().find(|name| is_read_as(set.arg(0), name)) else {
                continue;
            };
            let value = set.arg(1);
            if site.variables.client_chooses(value) {
                found.add(set.at, format!("A client can choose `{value}`, which is sent as {name}."));
            } else if name != POLICY && !value.is_empty() && !is_answer(site, scope, name, value) {
                found.add(
                    scope.at(),
                    format!("In `{}` `{value}`, sent as {name}, is not from the sidecar.", scope.label()),
                );
            }
        }
    }
}

/// Whether a program may read a header as this one: many treat `_` like `-`.
fn is_read_as(header: &str, name: &str) -> bool {
    header.replace('_', "-").eq_ignore_ascii_case(name)
}

/// Where the sidecar is not asked, the variable is empty; also where the location does not inherit it, which
/// another rule reports.
fn is_answer<'c>(site: &Site<'c>, scope: &Scope<'c>, name: &str, value: &'c str) -> bool {
    let behind = site.variables.behind(value);
    if scope.auth_request().is_none() || !scope.lost("auth_request_set").is_empty() {
        return behind.iter().any(|name| site.variables.is_answered(name));
    }
    let mut answered = scope.answered(name).into_iter();
    answered.any(|answered| behind.contains(answered) && !site.variables.is_set_otherwise(answered))
}
