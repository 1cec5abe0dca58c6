//! With several sidecars nginx must leave out one that hangs, but never one that refuses, and never all of them.
//!
//! nginx counts a failure for a refused connection, a time-out, and each status that `proxy_next_upstream` names, apart from
//! 403 and 404. After `max_fails` of them it leaves a server out for `fail_timeout`. If all are left out, it answers 502
//! without asking any, although they may all be well again; servers marked `backup` are asked then. For an only server it
//! ignores both.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::tree::Directive;

pub(crate) const RULE: Rule = Rule {
    name: "upstream-max-fails",
    severity: Severity::Warning,
    finds: "several sidecars of which nginx never leaves out one that hangs, or can leave out all, or counts \
            refusals as failures",
    risk: "One sidecar that hangs delays requests without end, or nginx stops asking sidecars that work.",
    remedy: "Write every sidecar twice: with `max_fails=1 fail_timeout=10s`, and with `backup max_fails=0`; and set \
             `proxy_next_upstream error timeout http_404;` for the subrequest.",
    check,
};

/// What nginx counts as a failure where `proxy_next_upstream` names it, although the sidecar works.
const COUNTED: [&str; 6] = ["http_500", "http_502", "http_503", "http_504", "http_429", "invalid_header"];

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations() {
        let Some(upstream) = site.upstream_of(auth_location) else { continue };
        let (spare, primary): (Vec<_>, Vec<_>) =
            upstream.named("server").partition(|server| has(server, "backup"));
        if primary.len() < 2 {
            continue;
        }
        let is_counted = |server: &&&Directive| !has(server, "max_fails=0");
        if primary.iter().filter(is_counted).count() == 0 {
            found.add(
                upstream.at,
                format!("nginx never leaves out a sidecar of `{}` that hangs.", upstream.arg(0)),
            );
            continue;
        }
        if !spare.iter().any(|server| has(server, "max_fails=0")) {
            found.add(
                upstream.at,
                format!(
                    "After one failure of each sidecar of `{}` nginx asks none of them for a while.",
                    upstream.arg(0)
                ),
            );
        }
        let Some(again) = auth_location.the("proxy_next_upstream") else { continue };
        for status in COUNTED.into_iter().filter(|status| has(again, status)) {
            found.add(again.at, format!("nginx counts {status} as a failure of the sidecar."));
        }
    }
}

fn has(directive: &Directive, word: &str) -> bool {
    directive.args.iter().any(|arg| arg == word)
}
