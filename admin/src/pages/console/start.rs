//! `/console/`: what the operator may do here.

use askama::Template;
use http::StatusCode;

use super::operator::OperatorVisit;
use crate::access::Right;
use crate::api::{Problem, Response};
use crate::pages::frame::{Frame, respond};
use crate::pages::paths;
use crate::pages::visit::Visit;

#[derive(Template)]
#[template(path = "console/start.html")]
struct StartPage {
    frame: Frame,
    is_superuser: bool,
    rights: Vec<ShownRight>,
}

/// A permission of this service.
struct ShownRight {
    name: &'static str,
    text: &'static str,
    is_held: bool,
}

/// Leads to the page.
///
/// # Errors
///
/// None.
pub async fn redirect(visit: Visit) -> Result<Response, Problem> {
    Ok(visit.redirect(paths::CONSOLE))
}

/// Shows the page.
///
/// # Errors
///
/// 403; 401; 503.
pub async fn show(operator: OperatorVisit) -> Result<Response, Problem> {
    let (t, held) = (operator.t(), &operator.rights);
    let shown =
        |right: &Right| ShownRight { name: right.as_str(), text: t.right(*right), is_held: held.has(*right) };
    let template = StartPage {
        is_superuser: held.is_superuser,
        rights: Right::ALL.iter().map(shown).collect(),
        frame: operator.frame(t.start_title),
    };
    Ok(respond(StatusCode::OK, &template))
}
