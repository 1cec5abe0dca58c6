//! An `error_page` that holds in the question, often from a block around it, replaces what is said of a sidecar
//! that is away. If the page says 2xx, so does the question.

use crate::finding::{Problems, Rule, Severity};
use crate::rules::error_pages::ErrorPage;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "error-page-lets-in",
    severity: Severity::Error,
    remedy: "Give the question an `error_page` of its own, such as `error_page 404 = @problem_404;`: the inherited ones end there.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for server in site.servers() {
        for auth_location in server.auth_locations() {
            for page in auth_location.effective("error_page").into_iter().map(ErrorPage::parse) {
                let by_page = page.is_status_of_page() && !page.refuses_in(server);
                if page.is_success() || by_page {
                    found.add(
                        page.at,
                        format!("A failed question in `{}` can end as 2xx.", auth_location.label()),
                    );
                }
            }
        }
    }
}
