//! A subrequest that nginx answers itself gets the same answer for every client; so does one whose failure an `error_page`
//! makes a success.

use crate::finding::{Problems, Rule, Severity};
use crate::model::open_way::Cause;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "open-self-answered",
    severity: Severity::Error,
    finds: "a subrequest to the sidecar that nginx itself can answer with 2xx",
    risk: "As soon as nginx answers 2xx, every client gets in, without a token and with no program asked.",
    remedy: "Write `proxy_pass http://introspect;` into the location of the subrequest, without `return` and files, and `error_page 404 = @problem_404;`, which ends the inheritance of other error pages; or `include snippets/introspect.conf;` into the server.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for way in site.model.open_ways().iter().filter(|way| way.cause == Cause::AnsweredByNginx) {
        found.add(way.at, &*way.problem);
    }
}
