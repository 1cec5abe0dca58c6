//! nginx copies `WWW-Authenticate` to a 401 but not to a 403: clients do not learn what is missing.

use crate::error_page::ErrorPage;
use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::variables::only;

pub(crate) const RULE: Rule = Rule {
    name: "challenge-lost",
    severity: Severity::Warning,
    finds: "a 403 without the sidecar's `WWW-Authenticate`",
    risk: "Clients cannot tell what right is missing, and users see an error without a way on.",
    remedy: "Include snippets/errors.conf in the server, and set `$auth_challenge` as snippets/protect.conf does.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (server, scope) in site.protected() {
        let challenges = scope.answered("WWW-Authenticate");
        let pages = scope.effective("error_page").into_iter().map(ErrorPage::parse);
        let mut targets =
            pages.filter(|page| page.codes.contains(&403)).filter_map(|page| server.find(page.to));
        let is_sent = targets.any(|page| {
            let mut added = page.effective("add_header").into_iter();
            added.any(|header| {
                header.arg(0).eq_ignore_ascii_case("WWW-Authenticate")
                    && only(header.arg(1)).is_some_and(|name| challenges.contains(&name))
            })
        });
        if !is_sent {
            found.add(
                scope.at(),
                format!("A 403 in `{}` does not carry the sidecar's challenge.", scope.label()),
            );
        }
    }
}
