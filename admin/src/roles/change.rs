//! `PATCH /api/v1/roles/{role}`: changes a role (RFC 7396).
//!
//! Changed permissions also affect tokens issued before, through the role map. So does a new name: those tokens carry the former
//! one, which the map has for as long as they can live. A change therefore costs the same whatever the number of holders.

use deserr::Deserr;
use http::StatusCode;
use serde_json::json;
use shared::permission::Pattern;
use shared::role::RoleName;
use shared::role_map::Role;
use utoipa::ToSchema;
use uuid::Uuid;

use super::definition::{
    self, DefinitionError, Definitions, Description, MAX_PARENTS, MAX_PERMISSIONS, Title,
};
use super::role::{self, GrantedPermission, NameOfRole, RoleRef, RoleView};
use super::{MAX_NAMES_BYTES, show, store};
use crate::access::{End, Right, allowed, lock};
use crate::actor::Actor;
use crate::api::text::BoundedSet;
use crate::api::{
    Access, Change, Code, Findings, IfPresent, Operation, Problem, Request, Response, Shape, check_version,
    if_match,
};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::db::{DbError, Transaction};
use crate::visible_text::{VisibleLine, VisibleText};

/// The most users whose role names are added up for a longer name.
const MAX_ADDED_UP: usize = 10_000;

/// A merge patch (RFC 7396): a present member is set, null removes it, an absent member stays. Lists are
/// replaced as a whole.
#[derive(Deserr, ToSchema)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
#[schema(as = RoleChange)]
struct Body {
    #[deserr(default)]
    #[serde(default)]
    #[schema(value_type = String, pattern = "^[a-z][a-z0-9_-]{0,31}$")]
    name: IfPresent<RoleName>,
    /// A name with the same rules as `display_name` of an account.
    #[deserr(default)]
    #[schema(value_type = Option<VisibleLine>)]
    title: Change<Title>,
    /// The same rules; line breaks are allowed.
    #[deserr(default)]
    #[schema(value_type = Option<VisibleText>)]
    description: Change<Description>,
    #[deserr(default)]
    #[schema(value_type = Option<Vec<GrantedPermission>>, max_items = 200)]
    permissions: Change<BoundedSet<Pattern, 0, MAX_PERMISSIONS>>,
    #[deserr(default)]
    #[schema(value_type = Option<Vec<NameOfRole>>, max_items = 32)]
    inherits: Change<BoundedSet<RoleName, 0, MAX_PARENTS>>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Roles")
        .batch()
        .summary("Change a role.")
        .detail(
            "Changed permissions take effect at every location within milliseconds, even for tokens issued \
            before. After renaming, tokens issued before count for both names until they expire. You must hold everything that the \
            role gains, without expiry; renaming requires the permission `*`.",
        )
        .access(Access::Permission(Right::RolesWrite.as_str()))
        .fresh()
        .path("role", role::NAMED, role::shape())
        .header(
            "If-Match",
            "Change it only if its current version (`ETag`) is one of these; `*` matches any version.",
            Shape::text("*"),
        )
        .body::<Body>(json!({ "title": "Subscriber", "permissions": ["films:watch"] }))
        .answer::<RoleView>(200, "The changed role.", role::example())
        .answer_header(200, "ETag", show::VERSION)
        .problems(&[
            Code::PrivilegeEscalation,
            Code::SystemRole,
            Code::RoleExists,
            Code::RoleNameRetired,
            Code::LimitReached,
            Code::PreconditionFailed,
            Code::RoleCycle,
        ])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`, `privilege_escalation`, `system_role`; 404; 409 `role_exists`, `role_name_retired`,
/// `limit_reached`; 412 `precondition_failed`; 422 `role_cycle` and fields; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    allowed(&request, Right::RolesWrite).await?;
    let edit = Edit::of(&request)?;
    let change: Body = definition::read(&request).await?;
    let role = edit.carry_out(|role| change.apply(role)).await?;
    Ok(show::respond(StatusCode::OK, &role))
}

/// A change of a role by any actor that has the right to make it.
pub(super) struct Edit<'c> {
    pub(super) core: &'c Core,
    pub(super) actor: Actor,
    /// The versions of the role that may be changed; `None` for any version.
    pub(super) versions: Option<Vec<i64>>,
    pub(super) asked: RoleRef,
}

impl<'c> Edit<'c> {
    /// The change that a request asks for.
    ///
    /// # Errors
    ///
    /// 404 `not_found` for a path without a role.
    pub(super) fn of(request: &'c Request) -> Result<Self, Problem> {
        Ok(Self {
            core: &request.context,
            actor: request.actor(),
            versions: if_match(&request.headers),
            asked: RoleRef::of(request)?,
        })
    }

    /// The change that a command asks for.
    pub(super) fn by_command(core: &'c Core, role: RoleName) -> Self {
        Self { core, actor: Actor::command(), versions: None, asked: RoleRef::Name(role) }
    }

    /// Changes the role to the result of `change`, and returns it. A role that is already the same keeps its
    /// version.
    pub(super) async fn carry_out(
        &self,
        change: impl FnOnce(&RoleView) -> RoleView + Send,
    ) -> Result<RoleView, Problem> {
        let mut connection = self.core.db.get().await?;
        let tx = connection.begin().await?;
        let definitions = Definitions::lock(&tx).await?;
        let before = show::require(&*tx, &self.asked).await?;
        let after = change(&before);
        let renamed = before.name != after.name;
        let locked = lock(&tx, &self.actor, &[]).await?;
        locked.rights.require(Right::RolesWrite)?;
        check_version(self.versions.as_deref(), before.version)?;
        if before.is_system {
            return Err(Problem::new(Code::SystemRole).denied());
        }
        definitions.check_rank(&locked.rights, &before.name, &self.core.ranked_areas)?;
        definitions.check(&before.name, &definition_of(&after))?;
        definitions.check_gain(&locked.rights, &before.name, &definition_of(&after))?;
        if renamed {
            // A location may require the new name, so the caller must be able to grant every name.
            if locked.rights.may_until(&Pattern::everything()) != Some(End::Never) {
                let detail = "Renaming a role requires the permission `*`, because a location may require any role name.";
                return Err(Problem::new(Code::PrivilegeEscalation).detail(detail).denied());
            }
            definitions.check_name(&tx, &after.name, Some(before.role_id)).await?;
            rename(&tx, &before, &after).await?;
        }
        if is_same(&before, &after) {
            return Ok(before);
        }
        write(&tx, &before, &after).await?;
        let role = show::require(&*tx, &RoleRef::Id(before.role_id)).await?;
        audit::record(&tx, &self.core.audit_keys, &self.actor, entry(&before, &after)).await?;
        tx.commit().await?;
        Ok(role)
    }
}

/// Renames the role. While the definitions are locked exclusively, no assignment is created or removed.
async fn rename(tx: &Transaction<'_>, before: &RoleView, after: &RoleView) -> Result<(), DefinitionError> {
    store::take_back_name(tx, &after.name, before.role_id).await?;
    store::rename(tx, before.role_id, &after.name).await.map_err(definition::taken)?;
    if after.name.as_str().len() > before.name.as_str().len() {
        check_longer_name(tx, before.role_id).await?;
    }
    Ok(store::retire_name(tx, &before.name, Some(before.role_id)).await?)
}

/// The names of a user's roles must fit into a header.
async fn check_longer_name(tx: &Transaction<'_>, role: Uuid) -> Result<(), DefinitionError> {
    if store::all_names_fit(tx, MAX_NAMES_BYTES).await? {
        return Ok(());
    }
    if store::has_more_holders(tx, role, MAX_ADDED_UP).await? {
        let sentence = format!(
            "with so many roles defined, a role with more than {MAX_ADDED_UP} holders gets no longer name; choose a name that \
             is not longer, or create a role that inherits this one"
        );
        return Err(DefinitionError::TooMany(sentence));
    }
    match store::has_too_long_names(tx, role, MAX_NAMES_BYTES).await? {
        true => {
            let sentence =
                format!("the role names of one user may have at most {MAX_NAMES_BYTES} bytes in total");
            Err(DefinitionError::TooMany(sentence))
        }
        false => Ok(()),
    }
}

async fn write(tx: &Transaction<'_>, before: &RoleView, after: &RoleView) -> Result<(), DbError> {
    let id = before.role_id;
    store::set_words(tx, id, after.title.as_deref(), after.description.as_deref()).await?;
    if before.permissions != after.permissions {
        store::set_permissions(tx, id, &after.permissions).await?;
    }
    if before.inherits != after.inherits {
        store::set_inherits(tx, id, &after.inherits).await?;
    }
    store::touch(tx, id).await
}

fn definition_of(role: &RoleView) -> Role {
    Role { permissions: role.permissions.clone(), inherits: role.inherits.clone() }
}

fn is_same(before: &RoleView, after: &RoleView) -> bool {
    before.name == after.name
        && before.title == after.title
        && before.description == after.description
        && before.permissions == after.permissions
        && before.inherits == after.inherits
}

/// The old and the new values of the changed members.
fn entry(before: &RoleView, after: &RoleView) -> AuditEntry {
    let mut detail = serde_json::Map::new();
    let mut note = |field: &str, before: serde_json::Value, after: serde_json::Value| {
        if before != after {
            detail.insert(field.to_owned(), json!({ "before": before, "after": after }));
        }
    };
    note("name", json!(before.name), json!(after.name));
    note("title", json!(before.title), json!(after.title));
    note("description", json!(before.description), json!(after.description));
    note("permissions", json!(before.permissions), json!(after.permissions));
    note("inherits", json!(before.inherits), json!(after.inherits));
    AuditEntry::new(AuditAction::RoleChanged, before.role_id.to_string(), detail.into())
}

impl Body {
    fn apply(self, role: &RoleView) -> RoleView {
        let mut after = role.clone();
        after.name = self.name.value().unwrap_or(after.name);
        after.title = self.title.apply(after.title);
        after.description = self.description.apply(after.description);
        after.permissions = self.permissions.map(BoundedSet::into_set).unwrap_or(after.permissions);
        after.inherits = self.inherits.map(BoundedSet::into_set).unwrap_or(after.inherits);
        after
    }
}
