//! `DELETE /api/v1/roles/{role}`: deletes a role, or returns the effects of deleting it.
//!
//! No token is revoked: the role map no longer contains the role, so its name grants nothing in any token.

use std::collections::BTreeSet;

use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use shared::permission::Pattern;
use shared::role::RoleName;
use shared::role_map::RoleMap;
use utoipa::ToSchema;
use uuid::Uuid;

use super::definition::Definitions;
use super::role::{self, GrantedPermission, NameOfRole, RoleRef, RoleView};
use super::{show, store};
use crate::access::{Right, allowed, lock};
use crate::actor::Actor;
use crate::api::text;
use crate::api::{
    Access, Code, Operation, Problem, Query, Request, Response, Shape, check_version, if_match, one_more,
    page,
};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::db::{Connection, SqlClient};

/// Counting a million users would take a second.
const MOST_COUNTED: i64 = 10_000;

/// The effects of deleting a role.
#[derive(Serialize, ToSchema)]
pub(crate) struct DryRun {
    /// The role.
    #[schema(value_type = NameOfRole)]
    pub(crate) role: RoleName,
    /// The number of affected users, up to 10,001.
    pub(crate) people: u64,
    /// False if there are more than 10,000, which are not counted.
    pub(crate) people_is_exact: bool,
    /// The roles that inherit it, directly or indirectly.
    #[schema(value_type = Vec<NameOfRole>)]
    pub(crate) inherited_by: Vec<RoleName>,
    /// A page of the affected users, by identifier.
    pub(crate) items: Vec<Loss>,
    /// Pass it as `cursor` to get the next page; null on the last page.
    #[schema(required)]
    pub(crate) next_cursor: Option<String>,
}

/// The effects on one user.
#[derive(Serialize, ToSchema)]
pub(crate) struct Loss {
    pub(crate) user_id: Uuid,
    /// The roles whose locations the user can no longer enter, including inherited roles.
    #[schema(value_type = Vec<NameOfRole>)]
    pub(crate) roles: BTreeSet<RoleName>,
    /// The permissions that no other role grants the user.
    #[schema(value_type = Vec<GrantedPermission>)]
    pub(crate) permissions: BTreeSet<Pattern>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    let loss = json!({
        "user_id": "0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b",
        "roles": ["subscriber"],
        "permissions": ["films:watch"]
    });
    operation
        .tag("Roles")
        .takes_away()
        .batch()
        .summary("Delete a role, or list the effects of deleting it.")
        .detail(
            "All users lose the role within milliseconds, even with tokens issued before. Its name is available \
            again once no live token carries it. With `dry_run=1` nothing is deleted.",
        )
        .access(Access::Permission(Right::RolesWrite.as_str()))
        .fresh()
        .path("role", role::NAMED, role::shape())
        .query("dry_run", "Only list the effects.", Shape::one_of(&["1", "0"]).default("0"))
        .query("limit", "With `dry_run`: the highest number of users on the page.", Shape::integer(1..=100, 20).default(20))
        .query(
            "cursor",
            "With `dry_run`: `next_cursor` of the previous page, unchanged.",
            Shape::uuid("0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b"),
        )
        .header(
            "If-Match",
            "Delete it only if its current version (`ETag`) is one of these; `*` matches any version.",
            Shape::text("*"),
        )
        .answer::<DryRun>(
            200,
            "With `dry_run`: the effects.",
            json!({ "role": "subscriber", "people": 1, "people_is_exact": true, "inherited_by": ["premium"], "items": [loss], "next_cursor": null }),
        )
        .empty(204, "The role has been deleted.")
        .problems(&[Code::SystemRole, Code::PreconditionFailed, Code::ValidationFailed])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`, `system_role`; 404; 412 `precondition_failed`; 422 for the query; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    Ok(match perform(&request).await? {
        Some(effects) => Response::json(StatusCode::OK, &effects),
        None => Response::empty(StatusCode::NO_CONTENT),
    })
}

/// What the endpoint does, for a page too: the effects if only they are asked for.
pub(crate) async fn perform(request: &Request) -> Result<Option<DryRun>, Problem> {
    allowed(request, Right::RolesWrite).await?;
    let asked = RoleRef::of(request)?;
    let (is_dry, window) = read(Query::read(request, &["dry_run", "limit", "cursor"]))?;
    let versions = if_match(&request.headers);
    if is_dry {
        let connection = request.context.db.get().await?;
        let role = show::require(&*connection, &asked).await?;
        check_deletable(&*connection, &role, versions.as_deref()).await?;
        return dry_run(&connection, &role, window).await.map(Some);
    }
    delete(&request.context, &request.actor(), &asked, versions.as_deref()).await?;
    Ok(None)
}

/// Deletes the role, if it has one of the `versions`.
///
/// # Errors
///
/// 403 `forbidden`, `system_role`; 404; 412 `precondition_failed`; 503.
pub(crate) async fn delete(
    core: &Core,
    actor: &Actor,
    asked: &RoleRef,
    versions: Option<&[i64]>,
) -> Result<(), Problem> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    // Locked exclusively, so that the role is not assigned while it is deleted.
    let definitions = Definitions::lock(&tx).await?;
    let role = show::require(&*tx, asked).await?;
    let rights = lock(&tx, actor, &[]).await?.rights;
    rights.require(Right::RolesWrite)?;
    check_deletable(&*tx, &role, versions).await?;
    definitions.check_rank(&rights, &role.name, &core.ranked_areas)?;
    store::retire_name(&tx, &role.name, None).await?;
    let people = store::delete(&tx, role.role_id).await?;
    let detail = json!({
        "name": role.name, "permissions": role.permissions, "inherits": role.inherits, "people": people,
    });
    let entry = AuditEntry::new(AuditAction::RoleDeleted, role.role_id.to_string(), detail);
    audit::record(&tx, &core.audit_keys, actor, entry).await?;
    Ok(tx.commit().await?)
}

/// Checks that the role has one of the requested versions, and that the API may delete it.
async fn check_deletable(
    client: &impl SqlClient,
    role: &RoleView,
    versions: Option<&[i64]>,
) -> Result<(), Problem> {
    check_version(versions, role.version)?;
    if role.is_system || store::has_system_heir(client, role.role_id).await? {
        return Err(Problem::new(Code::SystemRole).denied());
    }
    Ok(())
}

/// The part of the affected users that is asked for.
struct PageQuery {
    limit: usize,
    after: Option<Uuid>,
}

/// Whether nothing is to be deleted, and the page to list then.
fn read(mut query: Query) -> Result<(bool, PageQuery), Problem> {
    let is_dry = query.flag("dry_run");
    let window = PageQuery { limit: query.limit(), after: query.cursor(text::uuid) };
    if is_dry != Some(true) && (query.has("limit") || query.has("cursor")) {
        // The client may have wanted the next page of a dry run.
        query.add("dry_run", "field_missing", "Paging requires `dry_run=1`.");
    }
    query.finish()?;
    Ok((is_dry == Some(true), window))
}

async fn dry_run(connection: &Connection, role: &RoleView, window: PageQuery) -> Result<DryRun, Problem> {
    let PageQuery { limit, after } = window;
    let before = store::map(&**connection).await?;
    let without: RoleMap = before
        .iter()
        .filter(|(name, _)| **name != role.name)
        .map(|(name, role)| (name.clone(), role.clone()))
        .collect();
    let heirs: Vec<&RoleName> = before
        .iter()
        .map(|(name, _)| name)
        .filter(|name| before.reach([*name]).contains(&role.name))
        .collect();
    let names: Vec<&str> = heirs.iter().map(|name| name.as_str()).collect();
    let people = store::people_with(connection, &names, after, one_more(limit)).await?;
    let items =
        people.into_iter().map(|(user_id, roles)| Loss::of(user_id, &roles, &before, &without)).collect();
    let (items, next_cursor) = page(items, limit, |loss: &Loss| loss.user_id.to_string());
    let people = store::count_people_with(connection, &names, MOST_COUNTED + 1).await?;
    Ok(DryRun {
        role: role.name.clone(),
        people: people.cast_unsigned(),
        people_is_exact: people <= MOST_COUNTED,
        inherited_by: heirs.into_iter().filter(|name| **name != role.name).cloned().collect(),
        items,
        next_cursor,
    })
}

impl Loss {
    /// The rights that a user with `roles` holds according to the map `before`, but not according to `without`.
    fn of(user_id: Uuid, roles: &[RoleName], before: &RoleMap, without: &RoleMap) -> Self {
        let kept = without.reach(roles);
        let lost = before.reach(roles).into_iter().filter(|name| !kept.contains(name));
        let left = without.permissions(roles);
        let gone = |pattern: &&Pattern| !left.iter().any(|other| other.covers(pattern));
        Self {
            user_id,
            roles: lost.cloned().collect(),
            permissions: before.permissions(roles).into_iter().filter(gone).cloned().collect(),
        }
    }
}
