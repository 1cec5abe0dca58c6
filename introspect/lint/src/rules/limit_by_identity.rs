//! Limits are counted before the sidecar is asked: its response is still empty, and an empty key is not limited.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "limit-by-identity",
    severity: Severity::Error,
    finds: "a limit whose key is the sidecar's response",
    risk: "Nothing is limited, and one client can occupy the programs.",
    remedy: "Use `$client_network` of conf.d/limits.conf as the key, or `$http_authorization`.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for http in site.http() {
        for zone in ["limit_req_zone", "limit_conn_zone"].into_iter().flat_map(|name| http.named(name)) {
            if site.variables.behind(zone.arg(0)).into_iter().any(|name| site.variables.is_answered(name)) {
                found.add(
                    zone.at,
                    format!(
                        "`{}` is still empty when nginx applies the limit, so nothing is limited.",
                        zone.arg(0)
                    ),
                );
            }
        }
    }
}
