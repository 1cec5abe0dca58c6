//! An `error_page` in the subrequest location, often inherited, replaces the error of an unavailable sidecar. If the page
//! answers 2xx, so does the subrequest.

use crate::finding::{Problems, Rule, Severity};
use crate::rules::error_pages::ErrorPage;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "error-page-lets-in",
    severity: Severity::Error,
    remedy: "Set an `error_page` in the location of the auth_request subrequest, such as `error_page 404 = @problem_404;`: that ends the inheritance.",
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
                        format!("A failed subrequest in `{}` can end as 2xx.", auth_location.label()),
                    );
                }
            }
        }
    }
}
