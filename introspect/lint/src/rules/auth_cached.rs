//! A cached response ignores revocations, and with nginx's default key one valid token lets every client in.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "auth-cached",
    severity: Severity::Error,
    finds: "a cache of the sidecar's responses",
    risk: "A revoked token opens the location for as long as the cache holds, and with the default key one valid token opens it for every client.",
    remedy: "Set `proxy_cache off;` in the location of the auth_request subrequest; the sidecar needs no cache.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations() {
        if let Some(cache) = auth_location.the("proxy_cache").filter(|cache| cache.arg(0) != "off") {
            found
                .add(cache.at, format!("The sidecar's responses in `{}` are cached.", auth_location.label()));
        }
    }
}
