//! A cache whose key does not depend on the user serves one user's response to the next.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "cache-shared",
    severity: Severity::Error,
    risk: "A user gets the response that was made for another one.",
    remedy: "Set `proxy_cache off;` in the location, or put a variable such as `$auth_user` into `proxy_cache_key`.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.protected() {
        let Some(cache) = scope.the("proxy_cache").filter(|cache| cache.arg(0) != "off") else { continue };
        let key = scope.the("proxy_cache_key").map_or("", |key| key.arg(0));
        let behind = site.variables.behind(key);
        let personal = |name: &&str| {
            ["http_authorization", "http_cookie"].contains(name)
                || name.starts_with("cookie_")
                || site.variables.is_answered(name)
        };
        if !behind.iter().any(personal) {
            found.add(
                cache.at,
                format!("Responses for one user in `{}` are cached for all users.", scope.label()),
            );
        }
    }
}
