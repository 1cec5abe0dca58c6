//! The sidecar judges the credentials that the subrequest carries: they must be the client's own.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "auth-credentials",
    severity: Severity::Error,
    finds: "a subrequest that can carry a token of the configuration instead of the client's",
    risk: "Every client is the user of the token that the configuration has, and gets in without one of its own.",
    remedy: "Set `proxy_set_header Authorization $http_authorization;` and `proxy_set_header Cookie $http_cookie;` in the location of the auth_request subrequest.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations() {
        for name in ["Authorization", "Cookie"] {
            let Some(value) = auth_location.header(name) else { continue };
            if site.variables.may_be_constant(value) {
                let label = auth_location.label();
                // The value may be a secret.
                found
                    .add(auth_location.at(), format!("`{label}` can send a constant {name} to the sidecar."));
            }
        }
    }
}
