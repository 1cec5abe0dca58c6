//! `/console/roles`: all roles.

use askama::Template;
use http::StatusCode;
use shared::role::RoleName;

use super::operator::OperatorVisit;
use super::requirement::Requirement;
use super::role_form::joined;
use crate::access::Right;
use crate::api::{Problem, Response};
use crate::pages::frame::{Frame, respond};
use crate::roles::RoleView;
use crate::roles::list::perform;

#[derive(Template)]
#[template(path = "console/roles.html")]
struct RolesPage {
    frame: Frame,
    create_lacks: Option<&'static str>,
    roles: Vec<ShownDefinition>,
}

/// A role.
struct ShownDefinition {
    name: String,
    title: String,
    is_system: bool,
    permissions: Vec<String>,
    inherits: String,
}

/// Shows the roles.
///
/// # Errors
///
/// 403; 401; 503.
pub async fn show(operator: OperatorVisit) -> Result<Response, Problem> {
    operator.require(Requirement::Right(Right::RolesRead))?;
    let roles = perform(&operator.request).await?;
    let template = RolesPage {
        frame: operator.frame(operator.t().roles_title),
        create_lacks: Requirement::Right(Right::RolesWrite).missing(&operator.rights),
        roles: roles.into_iter().map(shown).collect(),
    };
    Ok(respond(StatusCode::OK, &template))
}

fn shown(role: RoleView) -> ShownDefinition {
    ShownDefinition {
        name: role.name.as_str().to_owned(),
        title: role.title.unwrap_or_default(),
        is_system: role.is_system,
        permissions: role.permissions.iter().map(|pattern| pattern.as_str().to_owned()).collect(),
        inherits: joined(role.inherits.iter().map(RoleName::as_str)),
    }
}
