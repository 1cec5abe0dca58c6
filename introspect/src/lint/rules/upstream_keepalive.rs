//! Without a pool, nginx before 1.29.7 opens a connection for each question: half the requests a second.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::site::Site;

pub(super) const RULE: Rule = Rule {
    name: "upstream-keepalive",
    severity: Severity::Warning,
    remedy: "Include snippets/pool.conf in an `upstream`, after its servers.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for asker in site.askers().filter(|asker| asker.target().is_some()) {
        match site.upstream_of(asker) {
            None => found.add(
                asker.at(),
                format!("`{}` leads to no `upstream`: nothing keeps connections.", asker.label()),
            ),
            Some(upstream) if upstream.named("keepalive").next().is_none() => {
                found.add(upstream.at, format!("`{}` keeps no connections.", upstream.arg(0)));
            }
            Some(_) => {}
        }
    }
}
