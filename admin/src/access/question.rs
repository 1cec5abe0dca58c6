//! A question about what somebody may do: as it is asked, and whether it is the caller's business.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::json;
use shared::permission::Permission;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Right, Rights, caller, find_rights, rights_of};
use crate::api::{Access, Code, Findings, Operation, Problem, Request};

/// The most permissions that one request asks for.
const MOST: usize = 100;

/// What is asked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Question)]
struct Body {
    /// Whom it is about; without it the caller.
    user_id: Option<Uuid>,
    /// Each `area:action`.
    #[schema(min_items = 1, max_items = 100)]
    permissions: Vec<String>,
    /// Whether one of them is enough.
    #[serde(default)]
    any: bool,
}

/// The same, read.
pub(super) struct Question {
    user: Option<Uuid>,
    pub(super) permissions: BTreeSet<Permission>,
    any: bool,
}

/// What was asked, of whom, and what they may do.
pub(super) struct Answerable {
    pub(super) question: Question,
    pub(super) user: Uuid,
    pub(super) rights: Rights,
}

/// What the document says of every question.
pub(super) fn describe(operation: Operation) -> Operation {
    operation
        .tag("Authorisation")
        .detail(
            "Of oneself, or, with `authz:check` and a `user_id`, of anybody. Without that right another person is \
             not found. Whoever is disabled may do nothing. At locations the same roles count, but a superuser as \
             such may do nothing there.",
        )
        .access(Access::SignedIn)
        .body::<Body>(json!({ "permissions": ["films:watch", "films:download"] }))
        .problems(&[Code::NotFound])
}

/// Reads the question of `request`, and looks up what it is about.
///
/// # Errors
///
/// 404 for another person without `authz:check`, and when there is none; 422; 401; 503.
pub(super) async fn read(request: &Request) -> Result<Answerable, Problem> {
    let caller = caller(request).await?;
    let question = request.json::<Body>()?.check()?;
    let connection = request.context.db.get().await?;
    let own = rights_of(&connection, caller.user).await?;
    let Some(user) = question.user.filter(|user| *user != caller.user) else {
        return Ok(Answerable { question, user: caller.user, rights: own });
    };
    if !own.has(Right::AuthzCheck) {
        return Err(Problem::new(Code::NotFound));
    }
    let rights = find_rights(&connection, user).await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(Answerable { question, user, rights })
}

impl Question {
    /// Whether what was found out about each permission is what was asked for.
    pub(super) fn is_met(&self, mut results: impl Iterator<Item = bool>) -> bool {
        if self.any { results.any(|allowed| allowed) } else { results.all(|allowed| allowed) }
    }
}

impl Body {
    fn check(self) -> Result<Question, Problem> {
        let mut found = Findings::default();
        if !(1..=MOST).contains(&self.permissions.len()) {
            found.add("permissions", "field_invalid", "Ask for 1 to 100 permissions.");
        }
        let mut permissions = BTreeSet::new();
        for (place, text) in self.permissions.iter().enumerate().take(MOST) {
            match text.parse() {
                Ok(permission) => drop(permissions.insert(permission)),
                Err::<Permission, shared::permission::NotAPermission>(why) => {
                    found.add(&format!("permissions[{place}]"), "permission_invalid", format!("{why}."));
                }
            }
        }
        found.finish(Question { user: self.user_id, permissions, any: self.any })
    }
}
