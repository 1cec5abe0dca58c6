//! An address with variables is resolved while clients wait, keeps no connections, and may lead to another program.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "auth-address-variable",
    severity: Severity::Error,
    finds: "a sidecar whose address has variables",
    risk: "A client or a machine that influences the variable or the resolver chooses the program that decides.",
    remedy: "Name an `upstream`.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for pass in site.auth_locations().flat_map(|auth_location| auth_location.own("proxy_pass")) {
        if pass.arg(0).contains('$') {
            found.add(pass.at, format!("The address of the sidecar, `{}`, has variables.", pass.arg(0)));
        }
    }
}
