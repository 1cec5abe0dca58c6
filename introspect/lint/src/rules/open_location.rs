//! The block that leads to a protected program does not ask the sidecar.

use crate::finding::{Problems, Rule, Severity};
use crate::model::open_way::Cause;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "open-location",
    severity: Severity::Error,
    finds: "a block that leads to a program that another location protects, and does not ask the sidecar",
    risk: "Every client reaches the program without a token, with any path that the program serves.",
    remedy: "Write `set $auth_policy \"user\";`, or another policy, and `include snippets/protect.conf;` into the block, without `auth_request off;`. A server of `stream` cannot ask: remove it, or let it listen where no client can connect, such as `listen unix:/run/private.sock;`. If the block is meant to be open, write a line `# open: ` with the reason into it: a sentence, not a question or a list.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for way in site.model.open_ways().iter().filter(|way| way.cause == Cause::NeverAsks) {
        found.add(way.at, &*way.problem);
    }
}
