//! `/account/language` and `/console/language`: the language, from a page without a form of its own. Other forms ask for it
//! themselves, and are shown again with what was typed.

use super::visit::Visit;
use crate::api::{Problem, Response};

/// Leads back. The browser has the language in its mark already.
///
/// # Errors
///
/// None.
pub async fn choose(visit: Visit) -> Result<Response, Problem> {
    let page = visit.next_page_of(&visit.asked("page"));
    Ok(visit.redirect(if page.is_of_site() { page.as_str() } else { visit.site().root() }))
}
