//! If the page for a refusal serves content, a client that is refused gets that content. Whether the page is a program's is the
//! model's question.

use crate::error_page::ErrorPage;
use crate::finding::{Problems, Rule, Severity};
use crate::model::passes;
use crate::scope::Scope;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "error-page-opens",
    severity: Severity::Error,
    finds: "an `error_page` that serves files, or a success, to a refused client",
    risk: "A client that is refused gets the content of a page, with the status of that page, instead of the refusal.",
    remedy: "Use as the page a location with `return` and a status of 400 or more, as in snippets/errors.conf.",
    check,
};

/// The statuses of a refusal, and of an unavailable sidecar.
const REFUSALS: [u16; 6] = [401, 403, 500, 502, 503, 504];

fn check(site: &Site<'_>, found: &mut Problems) {
    for (server, scope) in site.protected() {
        for page in scope.effective("error_page").into_iter().map(ErrorPage::parse) {
            if !page.codes.iter().any(|code| REFUSALS.contains(code)) {
                continue;
            }
            let by_page = page.is_status_of_page() && server.find(page.to).is_some_and(serves);
            if page.is_success() || by_page {
                let label = scope.label();
                found.add(
                    page.at,
                    format!("A client that is refused in `{label}` gets the content of `{}`.", page.to),
                );
            }
        }
    }
}

/// Whether it serves files, and neither a response of its own, nor a redirect, nor that of a program.
fn serves(page: &Scope<'_>) -> bool {
    let is_program = passes().any(|name| page.own(name).next().is_some());
    !is_program && page.answer().is_none() && page.own("rewrite").all(|rewrite| rewrite.arg(2) == "break")
}
