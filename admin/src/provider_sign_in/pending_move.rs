//! An account at a provider that a signed-in user asked to link, and that is linked to another user: the person has proved to
//! be both, and may move it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::flow::AskingSession;
use super::identity::ProviderIdentity;
use super::stored_identity::StoredIdentity;
use crate::api::{Code, Problem};
use crate::context::Context;
use crate::db::{DbError, Transaction};
use crate::sessions::store::standing;

/// How it is sent what the user can do.
pub(super) const MOVE: &str = "move";

/// An identity, the user who asked to link it, and the user who has it. Purposefully without `Debug`: it is
/// personal.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct PendingMove {
    pub(super) request: AskingSession,
    identity: StoredIdentity,
    /// The user who has it.
    pub(super) from: Uuid,
    /// The generation of the tokens of that user.
    pub(super) from_generation: u64,
}

/// The facts about the user who has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MoveFacts {
    /// Whether the account is not disabled.
    pub(super) is_active: bool,
    /// Whether the user has a role, or is a superuser.
    pub(super) has_role: bool,
}

impl MoveFacts {
    /// Whether an identity may be moved away. Roles stay with their user, so then only an operator can help.
    pub(super) fn may_move(self) -> bool {
        self.is_active && !self.has_role
    }
}

impl PendingMove {
    pub(super) fn new(
        request: AskingSession,
        identity: &ProviderIdentity<'_>,
        from: Uuid,
        from_generation: u64,
    ) -> Self {
        Self { request, identity: StoredIdentity::of(identity), from, from_generation }
    }

    /// The identity.
    ///
    /// # Errors
    ///
    /// 410 `code_expired` when its provider is no longer configured.
    pub(super) fn identity<'c>(&self, context: &'c Context) -> Result<ProviderIdentity<'c>, Problem> {
        self.identity.read(context)
    }

    /// The problem, whose `flow` is this secret.
    pub(super) fn problem(flow: String) -> Problem {
        Problem::new(Code::OauthAccountInUse).flow(flow, vec![MOVE.to_owned()])
    }
}

/// The facts about `user`.
pub(super) async fn move_facts(tx: &Transaction<'_>, user: Uuid) -> Result<MoveFacts, DbError> {
    let standing = standing(tx, user).await?;
    let has_role = standing.is_operator || !standing.roles.is_empty();
    Ok(MoveFacts { is_active: standing.is_active, has_role })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_moved_only_from_an_active_user_without_a_role() {
        for (is_active, has_role, expected) in
            [(true, false, true), (true, true, false), (false, false, false), (false, true, false)]
        {
            assert_eq!(MoveFacts { is_active, has_role }.may_move(), expected);
        }
    }
}
