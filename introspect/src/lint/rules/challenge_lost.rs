//! nginx copies `WWW-Authenticate` to a 401 and drops it from a 403: clients are not told which role is needed.

use super::error_pages::Page;
use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::site::Site;
use crate::lint::variables::only;

pub(super) const RULE: Rule = Rule {
    name: "challenge-lost",
    severity: Severity::Warning,
    remedy: "Include snippets/errors.conf in the server, and set `$auth_challenge` as snippets/protect.conf does.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (server, place) in site.protected() {
        let challenges = place.answered("WWW-Authenticate");
        let pages = place.effective("error_page").into_iter().map(Page::parse);
        let mut targets =
            pages.filter(|page| page.codes.contains(&"403")).filter_map(|page| page.location(server));
        let told = targets.any(|page| {
            let mut added = page.effective("add_header").into_iter();
            added.any(|header| {
                header.arg(0).eq_ignore_ascii_case("WWW-Authenticate")
                    && only(header.arg(1)).is_some_and(|name| challenges.contains(&name))
            })
        });
        if !told {
            found.add(
                place.at(),
                format!("A 403 in `{}` does not carry the sidecar's challenge.", place.label()),
            );
        }
    }
}
