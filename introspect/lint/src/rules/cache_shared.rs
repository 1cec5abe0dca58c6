//! A cache whose key does not depend on the user serves one user's response to the next.

use std::collections::BTreeSet;

use crate::finding::{Problems, Rule, Severity};
use crate::scope::Scope;
use crate::site::{ServerBlock, Site};
use crate::tree::Directive;
use crate::variables::names;

pub(crate) const RULE: Rule = Rule {
    name: "cache-shared",
    severity: Severity::Error,
    finds: "a cache of a protected location whose key does not have the user, or that an open location reads, \
            and files with its responses",
    risk: "A user gets the response that was made for another one.",
    remedy: "Set `proxy_cache off;` in the location, or put `$auth_user` itself into `proxy_cache_key`, with a zone for protected locations alone; and remove `proxy_store`.",
    check,
};

/// The modules with caches.
const KINDS: [&str; 4] = ["proxy", "fastcgi", "uwsgi", "scgi"];

fn check(site: &Site<'_>, found: &mut Problems) {
    for kind in KINDS {
        let mut zones = BTreeSet::new();
        for (_, scope) in site.protected() {
            let label = scope.label();
            if let Some(store) = set_on(scope, &format!("{kind}_store")) {
                found.add(
                    store.at,
                    format!("Responses of `{label}` are written to files, which are for all users."),
                );
            }
            let Some(cache) = set_on(scope, &format!("{kind}_cache")) else { continue };
            zones.insert(cache.arg(0));
            let key = scope.the(&format!("{kind}_cache_key")).map_or("", |key| key.arg(0));
            if !names(key).into_iter().any(|name| is_personal(site, name)) {
                found.add(cache.at, format!("Responses for one user in `{label}` are cached for all users."));
            }
        }
        let unprotected =
            site.servers().flat_map(ServerBlock::others).filter(|scope| scope.auth_request().is_none());
        for scope in unprotected {
            if let Some(cache) =
                set_on(scope, &format!("{kind}_cache")).filter(|cache| zones.contains(cache.arg(0)))
            {
                found.add(
                    cache.at,
                    format!(
                        "`{}` serves responses that protected locations have put into the same cache.",
                        scope.label()
                    ),
                );
            }
        }
    }
}

/// Whether a variable of a key differs for each user. A `map` of such a variable may not.
fn is_personal(site: &Site<'_>, name: &str) -> bool {
    let is_answer = site.variables.is_answered(name) && !site.variables.is_set_otherwise(name);
    is_answer || ["http_authorization", "http_cookie"].contains(&name)
}

/// A directive that applies and is not `off`.
fn set_on<'c>(scope: &Scope<'c>, name: &str) -> Option<&'c Directive> {
    scope.the(name).filter(|directive| directive.arg(0) != "off")
}
