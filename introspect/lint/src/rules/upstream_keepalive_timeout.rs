//! nginx must close first, or a subrequest meets a connection that the sidecar is just closing.

use std::time::Duration;

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::values::time;

pub(crate) const RULE: Rule = Rule {
    name: "upstream-keepalive-timeout",
    severity: Severity::Warning,
    finds: "idle connections kept longer than 60 s",
    risk: "The sidecar closes an idle connection while nginx sends a request on it, which then fails.",
    remedy: "Set `keepalive_timeout 50s;`, as snippets/pool.conf does.",
    check,
};

/// The default of nginx; the sidecar waits longer than that.
const LONGEST: Duration = Duration::from_secs(60);

fn check(site: &Site<'_>, found: &mut Problems) {
    for upstream in site.auth_locations().filter_map(|auth_location| site.upstream_of(auth_location)) {
        let limit = upstream.named("keepalive_timeout").last();
        if let Some(limit) = limit.filter(|limit| time(limit.arg(0)).is_none_or(|limit| limit > LONGEST)) {
            found.add(
                limit.at,
                format!(
                    "Idle connections are kept for {}, longer than the sidecar keeps them.",
                    limit.arg(0)
                ),
            );
        }
    }
}
