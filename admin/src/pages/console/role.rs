//! `/console/roles/{role}`: a role's definition, and who has it.

use askama::Template;
use http::{HeaderValue, header};
use shared::permission::Pattern;
use shared::role::RoleName;

use super::operator::OperatorVisit;
use super::requirement::Requirement;
use super::role_form::{fields, form, joined};
use crate::access::Right;
use crate::api::{Problem, Response};
use crate::pages::field::FormField;
use crate::pages::frame::{Frame, respond};
use crate::pages::problem::{status_of, with_problem};
use crate::pages::proof::{ProofAsked, prove};
use crate::roles::{RoleView, change, show};

#[derive(Template)]
#[template(path = "console/role.html")]
struct RolePage {
    frame: Frame,
    name: String,
    is_system: bool,
    /// The version that the form changes.
    version: String,
    permissions: String,
    inherits: String,
    write_lacks: Option<&'static str>,
    people_lack: Option<&'static str>,
    fields: Vec<FormField>,
    proof: ProofAsked,
}

/// Shows the role.
///
/// # Errors
///
/// 403; 404; 401; 503.
pub async fn open(operator: OperatorVisit) -> Result<Response, Problem> {
    page(&operator, None).await
}

/// Changes the role, if it is still the one that the form was filled in for.
///
/// # Errors
///
/// 403; 404; 401; 503. Every other problem is shown on the page.
pub async fn submit(operator: OperatorVisit) -> Result<Response, Problem> {
    operator.require(Requirement::Right(Right::RolesWrite))?;
    let changed = match prove(&operator, form(&operator)).await {
        Ok(mut request) => {
            let version = format!("\"{}\"", operator.fields.text("version"));
            // Another text is no version, and matches none.
            let version = HeaderValue::try_from(version).unwrap_or(HeaderValue::from_static("\"\""));
            request.headers.insert(header::IF_MATCH, version);
            change::handle(request).await
        }
        Err(problem) => Err(problem),
    };
    match changed {
        Ok(_) => {
            let name = operator.fields.text("name");
            Ok(operator.redirect_done(&format!("/console/roles/{name}"), "role_changed"))
        }
        Err(problem) => page(&operator, Some(&problem)).await,
    }
}

async fn page(operator: &OperatorVisit, problem: Option<&Problem>) -> Result<Response, Problem> {
    operator.require(Requirement::Right(Right::RolesRead))?;
    let role: RoleView = show::perform(&operator.request).await?;
    let is_typed = !operator.request.method.is_safe();
    let template = RolePage {
        frame: operator.frame(operator.t().role_page_title).with_problem(problem),
        name: role.name.as_str().to_owned(),
        is_system: role.is_system,
        // What was typed belongs to the version that was shown then.
        version: if is_typed { operator.fields.text("version").to_owned() } else { role.version.to_string() },
        permissions: joined(role.permissions.iter().map(Pattern::as_str)),
        inherits: joined(role.inherits.iter().map(RoleName::as_str)),
        write_lacks: Requirement::Right(Right::RolesWrite).missing(&operator.rights),
        people_lack: Requirement::Right(Right::UsersRead).missing(&operator.rights),
        fields: fields(operator, Some(&role), problem),
        proof: ProofAsked::of(operator, &operator.path(), problem),
    };
    let response = respond(status_of(problem), &template);
    Ok(problem.into_iter().fold(response, with_problem))
}
