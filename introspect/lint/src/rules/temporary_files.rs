//! By default nginx writes what a client has not read yet into a file of up to 1 GiB for each client, and then reads
//! nothing more from the origin, which ends the response. A cache needs such files.

use crate::finding::{Problems, Rule, Severity};
use crate::scope::Scope;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "temporary-files",
    severity: Severity::Warning,
    finds: "a location that writes large responses to disk",
    risk: "A few slow clients fill the disk.",
    remedy: "Set `proxy_max_temp_file_size 0;`, as snippets/proxy.conf does.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.proxied().filter(|(_, scope)| scope.is_location() && !is_exempt(scope)) {
        if scope.the("proxy_max_temp_file_size").is_none_or(|size| size.arg(0) != "0") {
            found.add(
                scope.at(),
                format!(
                    "Large responses of `{}` fill the disk, and are cut for slow clients.",
                    scope.label()
                ),
            );
        }
    }
}

/// Whether it needs no file, or has to have one.
fn is_exempt(scope: &Scope<'_>) -> bool {
    let is_set = |name| scope.the(name).is_some_and(|directive| directive.arg(0) != "off");
    scope.says("proxy_buffering", "off") || is_set("proxy_cache") || is_set("proxy_store")
}
