//! `POST /api/v1/roles`: creates a role; the command line uses [`create`].

use std::collections::BTreeSet;

use deserr::Deserr;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use shared::permission::Pattern;
use shared::role::RoleName;
use shared::role_map::Role;
use utoipa::ToSchema;
use uuid::Uuid;

use super::definition::{
    self, DefinitionError, Definitions, Description, MAX_PARENTS, MAX_PERMISSIONS, Title,
};
use super::role::{self, GrantedPermission, NameOfRole, RoleRef, RoleView};
use super::{show, store};
use crate::access::{Right, allowed, lock};
use crate::actor::Actor;
use crate::api::text::BoundedSet;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::db::Transaction;
use crate::visible_text::{VisibleLine, VisibleText};

/// The role to create.
#[derive(Debug, Clone)]
pub struct NewRole {
    /// The name used in tokens, policies and headers.
    pub name: RoleName,
    /// The display name.
    pub title: Option<String>,
    /// Its purpose.
    pub description: Option<String>,
    /// Whether it is protected: it cannot be changed or deleted until `admin roles release`.
    pub is_system: bool,
    /// Its own permissions.
    pub permissions: BTreeSet<Pattern>,
    /// The roles that it inherits.
    pub inherits: BTreeSet<RoleName>,
}

/// The role to create.
#[derive(Deserr, ToSchema)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
#[schema(as = NewRole)]
struct Body {
    #[schema(value_type = String, pattern = "^[a-z][a-z0-9_-]{0,31}$")]
    name: RoleName,
    /// A name with the same rules as `display_name` of an account.
    #[deserr(default)]
    #[schema(value_type = Option<VisibleLine>)]
    title: Option<Title>,
    /// The same rules; line breaks are allowed.
    #[deserr(default)]
    #[schema(value_type = Option<VisibleText>)]
    description: Option<Description>,
    #[deserr(default)]
    #[serde(default)]
    #[schema(value_type = Vec<GrantedPermission>, max_items = 200)]
    permissions: BoundedSet<Pattern, 0, MAX_PERMISSIONS>,
    #[deserr(default)]
    #[serde(default)]
    #[schema(value_type = Vec<NameOfRole>, max_items = 32)]
    inherits: BoundedSet<RoleName, 0, MAX_PARENTS>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Roles")
        .summary("Create a role.")
        .detail(
            "You must hold every permission that the role grants, and every role that it inherits, without \
            expiry. The name of a deleted or renamed role is available again once no live token carries it.",
        )
        .access(Access::Permission(Right::RolesWrite.as_str()))
        .fresh()
        .body::<Body>(json!({
            "name": "premium",
            "title": "Premium",
            "description": "May download films.",
            "permissions": ["films:download"],
            "inherits": ["subscriber"]
        }))
        .answer::<RoleView>(201, "The role.", role::example())
        .answer_header(201, "Location", "The URL of the role.")
        .answer_header(201, "ETag", show::VERSION)
        .problems(&[Code::PrivilegeEscalation, Code::RoleExists, Code::RoleNameRetired, Code::LimitReached])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`, `privilege_escalation`; 409 `role_exists`, `role_name_retired`, `limit_reached`; 422; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    allowed(&request, Right::RolesWrite).await?;
    let new = NewRole::from(definition::read::<Body>(&request).await?);
    let role = create(&request.context, &request.actor(), &new).await?;
    let response = show::respond(StatusCode::CREATED, &role);
    Ok(match HeaderValue::try_from(format!("{}/{}", request.route, role.role_id)) {
        Ok(place) => response.with_header(header::LOCATION, place),
        Err(_never) => response,
    })
}

/// Creates a role, for an actor who holds everything that the role grants.
///
/// # Errors
///
/// When the actor does not, the role exists, the definition is invalid, or PostgreSQL is unavailable.
pub async fn create(core: &Core, actor: &Actor, new: &NewRole) -> Result<RoleView, DefinitionError> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    let definitions = Definitions::lock(&tx).await?;
    let rights = lock(&tx, actor, &[]).await?.rights;
    rights.require(Right::RolesWrite)?;
    definitions.check_name(&tx, &new.name, None).await?;
    definitions.check(&new.name, &new.definition())?;
    definitions.check_gain(&rights, &new.name, &new.definition())?;
    let id = core.random.id();
    insert(&tx, id, new).await?;
    let role = show::require(&*tx, &RoleRef::Id(id)).await?;
    audit::record(&tx, &core.audit_keys, actor, entry(id, new)).await?;
    tx.commit().await?;
    Ok(role)
}

async fn insert(tx: &Transaction<'_>, id: Uuid, new: &NewRole) -> Result<(), DefinitionError> {
    store::insert(tx, id, &new.name, new.title.as_deref(), new.description.as_deref(), new.is_system)
        .await
        .map_err(definition::taken)?;
    store::set_permissions(tx, id, &new.permissions).await?;
    store::set_inherits(tx, id, &new.inherits).await?;
    Ok(())
}

fn entry(id: Uuid, new: &NewRole) -> AuditEntry {
    let detail: Value = json!({
        "name": new.name,
        "permissions": new.permissions,
        "inherits": new.inherits,
        "is_system": new.is_system,
    });
    AuditEntry::new(AuditAction::RoleCreated, id.to_string(), detail)
}

impl NewRole {
    /// A role of this name without permissions.
    pub fn named(name: RoleName) -> Self {
        Self {
            name,
            title: None,
            description: None,
            is_system: false,
            permissions: BTreeSet::new(),
            inherits: BTreeSet::new(),
        }
    }

    fn definition(&self) -> Role {
        Role { permissions: self.permissions.clone(), inherits: self.inherits.clone() }
    }
}

impl From<Body> for NewRole {
    fn from(body: Body) -> Self {
        Self {
            name: body.name,
            title: body.title.map(String::from),
            description: body.description.map(String::from),
            is_system: false,
            permissions: body.permissions.into_set(),
            inherits: body.inherits.into_set(),
        }
    }
}
