//! `/console/permissions`: the permissions that are in use, and the roles that have each.

use askama::Template;
use http::StatusCode;

use super::operator::OperatorVisit;
use super::requirement::Requirement;
use crate::access::Right;
use crate::api::{Problem, Response};
use crate::pages::frame::{Frame, respond};
use crate::roles::permissions::list::perform;

#[derive(Template)]
#[template(path = "console/permissions.html")]
struct PermissionsPage {
    frame: Frame,
    items: Vec<ShownPermission>,
}

/// A permission.
struct ShownPermission {
    permission: String,
    text: &'static str,
    roles: Vec<String>,
}

/// Shows the permissions.
///
/// # Errors
///
/// 403; 401; 503.
pub async fn show(operator: OperatorVisit) -> Result<Response, Problem> {
    operator.require(Requirement::Right(Right::RolesRead))?;
    let t = operator.t();
    let text = |permission: &str| {
        let own = Right::ALL.iter().find(|right| right.as_str() == permission);
        own.map_or("", |right| t.right(*right))
    };
    let items = perform(&operator.request).await?.into_iter().map(|item| ShownPermission {
        text: text(item.permission.as_str()),
        permission: item.permission.as_str().to_owned(),
        roles: item.roles.iter().map(|name| name.as_str().to_owned()).collect(),
    });
    let template = PermissionsPage { items: items.collect(), frame: operator.frame(t.permissions_title) };
    Ok(respond(StatusCode::OK, &template))
}
