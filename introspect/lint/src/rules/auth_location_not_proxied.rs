//! A subrequest that nginx answers itself gets the same answer for every client.

use crate::finding::{Problems, Rule, Severity};
use crate::scope::status;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "auth-location-not-proxied",
    severity: Severity::Error,
    remedy: "Set `proxy_pass http://introspect;` in it, without `return` and without files.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations() {
        let ifs = auth_location.ifs().flat_map(|block| block.named("return"));
        if let Some(answer) = auth_location.own("return").chain(ifs).find(|answer| status(answer) < 400) {
            found.add(answer.at, format!("`{}` answers without asking the sidecar.", auth_location.label()));
        } else if auth_location.target().is_none() && auth_location.answer().is_none() {
            found.add(
                auth_location.at(),
                format!("`{}` does not pass the subrequest on to the sidecar.", auth_location.label()),
            );
        }
    }
}
