//! nginx obeys some headers of a response (`X-Accel-Redirect`): another program at the sidecar's address could lead the
//! subrequest to a location that answers 2xx.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "auth-redirected",
    severity: Severity::Error,
    finds: "a subrequest that follows `X-Accel-Redirect` in a response",
    risk: "A wrong program at the address of the sidecar can lead the subrequest to a location that answers 2xx, and so let every client in.",
    remedy: "Set `proxy_ignore_headers X-Accel-Redirect;` in the location of the auth_request subrequest.",
    check,
};

const REDIRECT: &str = "X-Accel-Redirect";

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations().filter(|auth_location| auth_location.target().is_some()) {
        let mut ignored =
            auth_location.effective("proxy_ignore_headers").into_iter().flat_map(|line| &line.args);
        if !ignored.any(|name| name.eq_ignore_ascii_case(REDIRECT)) {
            let label = auth_location.label();
            found.add(auth_location.at(), format!("`{label}` follows {REDIRECT} in a response."));
        }
    }
}
