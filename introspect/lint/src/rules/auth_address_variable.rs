//! An address made of variables is looked up while clients wait, keeps no connection, and may lead elsewhere.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule =
    Rule { name: "auth-address-variable", severity: Severity::Error, remedy: "Name an `upstream`.", check };

fn check(site: &Site<'_>, found: &mut Problems) {
    for pass in site.auth_locations().flat_map(|auth_location| auth_location.own("proxy_pass")) {
        if pass.arg(0).contains('$') {
            found.add(pass.at, format!("`{}`, where the sidecar is asked, has variables.", pass.arg(0)));
        }
    }
}
