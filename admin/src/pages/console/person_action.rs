//! What an operator can do with a user's account: what each action needs, asks for and does. Each calls the endpoint of the API.

use super::requirement::Requirement;
use crate::access::Right;
use crate::api::{Problem, Request, Response};
use crate::operators::{self, Person};
use crate::pages::texts::ConsoleTexts;
use crate::roles::assignments;

/// An action on a user's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PersonAction {
    Assign,
    Take,
    SendReset,
    SetEmail,
    Unlock,
    Unfreeze,
    Export,
    Enable,
    EndSession,
    EndSessions,
    Evict,
    Disable,
    Merge,
    Erase,
    GiveSuperuser,
    TakeSuperuser,
}

/// Whether an action has a reason, for the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReasonAsked {
    No,
    Optional,
    Required,
}

impl PersonAction {
    pub(super) const ALL: [Self; 16] = [
        Self::Assign,
        Self::Take,
        Self::SendReset,
        Self::SetEmail,
        Self::Unlock,
        Self::Unfreeze,
        Self::Export,
        Self::Enable,
        Self::EndSession,
        Self::EndSessions,
        Self::Evict,
        Self::Disable,
        Self::Merge,
        Self::Erase,
        Self::GiveSuperuser,
        Self::TakeSuperuser,
    ];

    /// The action with this name in paths.
    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.word() == word)
    }

    /// Its name in paths, and of the text when it is done.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Assign => "assign-role",
            Self::Take => "take-role",
            Self::SendReset => "send-reset",
            Self::SetEmail => "set-email",
            Self::Unlock => "unlock",
            Self::Unfreeze => "unfreeze",
            Self::Export => "export",
            Self::Enable => "enable",
            Self::EndSession => "end-session",
            Self::EndSessions => "end-sessions",
            Self::Evict => "evict",
            Self::Disable => "disable",
            Self::Merge => "merge",
            Self::Erase => "erase",
            Self::GiveSuperuser => "make-superuser",
            Self::TakeSuperuser => "take-superuser",
        }
    }

    /// Its title.
    pub(super) const fn title(self, t: &ConsoleTexts) -> &'static str {
        match self {
            Self::Assign => t.assign_role,
            Self::Take => t.take_role,
            Self::SendReset => t.send_reset,
            Self::SetEmail => t.set_email,
            Self::Unlock => t.unlock,
            Self::Unfreeze => t.unfreeze,
            Self::Export => t.export,
            Self::Enable => t.enable,
            Self::EndSession => t.end_session,
            Self::EndSessions => t.end_sessions,
            Self::Evict => t.evict,
            Self::Disable => t.disable,
            Self::Merge => t.merge,
            Self::Erase => t.erase,
            Self::GiveSuperuser => t.make_superuser,
            Self::TakeSuperuser => t.take_superuser,
        }
    }

    /// What it needs; the endpoint checks it again.
    pub(super) const fn needed(self) -> Requirement {
        match self {
            Self::Assign | Self::Take => Requirement::Right(Right::RolesAssign),
            Self::SendReset | Self::SetEmail | Self::Unfreeze => Requirement::Right(Right::UsersRecover),
            Self::Unlock | Self::Enable | Self::Evict | Self::Disable => {
                Requirement::Right(Right::UsersWrite)
            }
            Self::Export => Requirement::Right(Right::UsersExport),
            Self::EndSession | Self::EndSessions => Requirement::Right(Right::SessionsEnd),
            Self::Merge | Self::Erase => Requirement::Right(Right::UsersErase),
            Self::GiveSuperuser | Self::TakeSuperuser => Requirement::Superuser,
        }
    }

    /// Whether it takes something from the user.
    pub(super) const fn takes_away(self) -> bool {
        match self {
            Self::Take
            | Self::EndSession
            | Self::EndSessions
            | Self::Evict
            | Self::Disable
            | Self::Merge
            | Self::Erase
            | Self::TakeSuperuser => true,
            Self::Assign
            | Self::SendReset
            | Self::SetEmail
            | Self::Unlock
            | Self::Unfreeze
            | Self::Export
            | Self::Enable
            | Self::GiveSuperuser => false,
        }
    }

    /// Whether it has a reason.
    pub(super) const fn reason(self) -> ReasonAsked {
        match self {
            Self::Assign | Self::Evict => ReasonAsked::Optional,
            Self::SendReset | Self::SetEmail | Self::Unfreeze | Self::Export | Self::Merge | Self::Erase => {
                ReasonAsked::Required
            }
            Self::Take
            | Self::Unlock
            | Self::Enable
            | Self::EndSession
            | Self::EndSessions
            | Self::Disable
            | Self::GiveSuperuser
            | Self::TakeSuperuser => ReasonAsked::No,
        }
    }

    /// Whether it is among the actions of the account, and not beside a role or a session.
    pub(super) fn is_listed(self) -> bool {
        !matches!(self, Self::Take | Self::EndSession)
    }

    /// Whether it can change anything of this account.
    pub(super) fn fits(self, person: &Person) -> bool {
        match self {
            Self::Enable => person.status != "active",
            Self::Disable => person.status != "disabled",
            Self::GiveSuperuser => !person.is_superuser,
            Self::TakeSuperuser => person.is_superuser,
            Self::Assign
            | Self::Take
            | Self::SendReset
            | Self::SetEmail
            | Self::Unlock
            | Self::Unfreeze
            | Self::Export
            | Self::EndSession
            | Self::EndSessions
            | Self::Evict
            | Self::Merge
            | Self::Erase => true,
        }
    }

    /// Does it: the request is that of the endpoint.
    ///
    /// # Errors
    ///
    /// Those of the endpoint.
    pub(super) async fn perform(self, request: Request) -> Result<Response, Problem> {
        match self {
            Self::Assign => assignments::assign::handle(request).await,
            Self::Take => assignments::take::handle(request).await,
            Self::SendReset => operators::send_reset::handle(request).await,
            Self::SetEmail => operators::set_email::handle(request).await,
            Self::Unlock => operators::unlock::handle(request).await,
            Self::Unfreeze => operators::unfreeze::handle(request).await,
            Self::Export => operators::export::handle(request).await,
            Self::Enable => operators::enable::handle(request).await,
            Self::EndSession => operators::end_session::handle(request).await,
            Self::EndSessions => operators::end_sessions::handle(request).await,
            Self::Evict => operators::evict::handle(request).await,
            Self::Disable => operators::disable::handle(request).await,
            Self::Merge => operators::merge::handle(request).await,
            Self::Erase => operators::erase::handle(request).await,
            Self::GiveSuperuser => operators::superuser::give::handle(request).await,
            Self::TakeSuperuser => operators::superuser::take::handle(request).await,
        }
    }
}
