//! A query about permissions: its body, and whether the caller may make it.

use std::collections::BTreeSet;

use deserr::Deserr;
use serde_json::json;
use shared::permission::Permission;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Right, Rights, caller, find_rights, rights_of};
use crate::api::text::BoundedSet;
use crate::api::{Access, Code, Findings, Operation, Problem, Request};

/// The most permissions that one request may name.
const MOST: usize = 100;

/// The body of the request.
#[derive(Deserr, ToSchema)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
#[schema(as = Question)]
struct Body {
    /// The user to check; if omitted, the caller.
    #[deserr(default)]
    user_id: Option<Uuid>,
    #[schema(value_type = Vec<SinglePermission>, min_items = 1, max_items = 100)]
    permissions: BoundedSet<Permission, 1, MOST>,
    /// Whether one of the permissions is enough.
    #[deserr(default)]
    #[serde(default)]
    any: bool,
}

/// One action, of the form `area:action`.
#[derive(ToSchema)]
#[schema(as = SinglePermission, value_type = String, pattern = "^[a-z][a-z0-9_-]{0,31}:[a-z][a-z0-9_-]{0,31}$")]
#[expect(dead_code, reason = "used only for its schema")]
pub(crate) struct SinglePermission(String);

/// The validated body.
pub(super) struct Question {
    user: Option<Uuid>,
    pub(super) permissions: BTreeSet<Permission>,
    any: bool,
}

/// The validated body, the user, and what that user may do.
pub(super) struct Answerable {
    pub(super) question: Question,
    pub(super) user: Uuid,
    pub(super) rights: Rights,
}

/// Documents what both endpoints have in common.
pub(super) fn describe(operation: Operation) -> Operation {
    operation
        .tag("Authorisation")
        .detail(
            "Without `user_id` the answer is for the caller. Another user's `user_id` requires the permission \
            `authz:check`; without it the response is 404. A disabled user has no permissions. nginx \
            checks the same roles, but superuser status grants nothing there.",
        )
        .access(Access::SignedIn)
        .body::<Body>(json!({ "permissions": ["films:watch", "films:download"] }))
        .problems(&[Code::NotFound])
}

/// Reads the query of `request` and loads the user's permissions.
///
/// # Errors
///
/// 404 for another user without `authz:check`, and when the user does not exist; 422; 401; 503.
pub(super) async fn read(request: &Request) -> Result<Answerable, Problem> {
    let caller = caller(request).await?;
    let question = Question::from(request.form()?.finish::<Body>()?);
    let connection = request.context.db.get().await?;
    let own = rights_of(&connection, caller.user).await?;
    let Some(user) = question.user.filter(|user| *user != caller.user) else {
        return Ok(Answerable { question, user: caller.user, rights: own });
    };
    if !own.has(Right::AuthzCheck) {
        return Err(Problem::new(Code::NotFound).denied());
    }
    let rights = find_rights(&connection, user).await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(Answerable { question, user, rights })
}

impl Question {
    /// Whether the results satisfy the query.
    pub(super) fn is_met(&self, mut results: impl Iterator<Item = bool>) -> bool {
        if self.any { results.any(|allowed| allowed) } else { results.all(|allowed| allowed) }
    }
}

impl From<Body> for Question {
    fn from(body: Body) -> Self {
        Self { user: body.user_id, permissions: body.permissions.into_set(), any: body.any }
    }
}
