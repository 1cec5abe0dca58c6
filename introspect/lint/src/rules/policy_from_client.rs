//! If the policy comes from a header, an argument or the path, the client chooses what is required.

use crate::finding::{Problems, Rule, Severity};
use crate::headers::POLICY;
use crate::scope::Scope;
use crate::site::Site;
use crate::variables::{bare, only};

pub(crate) const RULE: Rule = Rule {
    name: "policy-from-client",
    severity: Severity::Error,
    finds: "a policy that a client can choose",
    risk: "A client asks for less than the location should require, and gets in.",
    remedy: "Send a variable that only `set` in a protected location gives a value.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for server in site.servers() {
        for auth_location in server.auth_locations() {
            let Some(text) = auth_location.header(POLICY) else { continue };
            // Policies that locations set have rules of their own.
            let set = only(text).is_some_and(|name| server.scopes.iter().any(|scope| sets(scope, name)));
            if !set && site.variables.client_chooses(text) {
                found.add(
                    auth_location.at(),
                    format!("A client can choose `{text}`, which is sent as the policy."),
                );
            }
        }
    }
}

fn sets(scope: &Scope<'_>, name: &str) -> bool {
    scope.own("set").any(|set| bare(set.arg(0)) == name)
}
