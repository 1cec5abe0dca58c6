//! With `satisfy any` an allowed address or a password replaces the sidecar's decision.

use crate::finding::{Problems, Rule, Severity};
use crate::model::open_way::Cause;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "open-satisfy-any",
    severity: Severity::Error,
    finds: "`satisfy any` with addresses or a password in a location that asks the sidecar",
    risk: "Every client with such an address, also through a proxy that has it, or with the password, reaches the program without a token and as no user.",
    remedy: "Remove `satisfy any;`. If some clients need no token, give them a location of their own with `# open: ` and the reason.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for way in site.model.open_ways().iter().filter(|way| way.cause == Cause::SatisfyAny) {
        found.add(way.at, &*way.problem);
    }
}
