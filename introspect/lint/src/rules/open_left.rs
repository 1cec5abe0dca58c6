//! A location that asks the sidecar is left before the answer, by `rewrite`, `error_page` and others, or is entered by a subrequest,
//! which skips the access phase.

use crate::finding::{Problems, Rule, Severity};
use crate::model::open_way::Cause;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "open-left",
    severity: Severity::Error,
    finds: "a location that is left before the sidecar has answered, or entered by a subrequest, towards a \
            protected program",
    risk: "A client without a token requests this path, and nginx sends a request to the program past the sidecar. Except by `mirror` and `post_action` the client gets the answer.",
    remedy: "Remove the line, or make it lead to a location that asks: write `set $auth_policy \"user\";` and `include snippets/protect.conf;` there. A subrequest (`mirror`, `add_before_body`, SSI) never asks: write the two lines into the location that makes it, with all that the other location demands. If the way is meant to be open, write `# open: ` and the reason into the block with the line; for SSI set `ssi off;`.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for way in site.model.open_ways().iter().filter(|way| way.cause == Cause::Left) {
        found.add(way.at, &*way.problem);
    }
}
