//! A question that nginx answers by itself: whatever it says, it says to everybody.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::place::status;
use crate::lint::site::Site;

pub(super) const RULE: Rule = Rule {
    name: "auth-location-not-proxied",
    severity: Severity::Error,
    remedy: "Put `proxy_pass http://introspect;` into it, and neither `return` nor files.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for asker in site.askers() {
        let ifs = asker.ifs().flat_map(|block| block.named("return"));
        if let Some(answer) = asker.own("return").chain(ifs).find(|answer| status(answer) < 400) {
            found.add(answer.at, format!("`{}` answers without asking the sidecar.", asker.label()));
        } else if asker.target().is_none() && asker.answer().is_none() {
            found.add(asker.at(), format!("`{}` does not pass the question on.", asker.label()));
        }
    }
}
