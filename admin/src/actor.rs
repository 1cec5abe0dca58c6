//! Who acts, from where and in which request: what a change, the audit log and the login history need to
//! know.
//!
//! Domain functions take a [`Context`](crate::context::Context) and an [`Actor`], never an HTTP request, so
//! that endpoints, commands and background tasks call the same ones.

mod caller;
mod client;
mod cookie;

use std::net::IpAddr;

use shared::request_id::RequestId;
use uuid::Uuid;

pub(crate) use caller::{Caller, CallerToken};
pub(crate) use client::DEVICE_COOKIE;
pub use client::{Client, DeviceText, FORWARDED_FOR};
pub(crate) use cookie::cookie;

use crate::turn::Turn;

/// Who acts.
#[derive(Debug, Clone)]
pub struct Actor {
    kind: ActorKind,
    client: Client,
    request_id: Option<RequestId>,
    turn: Option<Turn>,
}

/// The kind of actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ActorKind {
    /// The sender of a request without a valid access token, or of one whose token was not checked.
    Visitor,
    /// The owner of a valid access token.
    Caller(Caller),
    /// An operator who runs a command of `admin`. May do everything.
    Command,
    /// This service itself.
    Service,
}

/// The actor has no access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("requires a signed-in user")]
pub(crate) struct NotSignedIn;

impl Actor {
    /// The sender of a request.
    pub(crate) fn of_request(caller: Option<Caller>, client: Client, request_id: RequestId) -> Self {
        let kind = caller.map_or(ActorKind::Visitor, ActorKind::Caller);
        Self { kind, client, request_id: Some(request_id), turn: None }
    }

    /// The same in a request that has a place among those in progress.
    pub(crate) fn with_turn(self, turn: Turn) -> Self {
        Self { turn: Some(turn), ..self }
    }

    /// The place of its request; `None` for commands and the service itself.
    pub(crate) fn turn(&self) -> Option<&Turn> {
        self.turn.as_ref()
    }

    /// An operator who runs a command of `admin`.
    pub const fn command() -> Self {
        Self { kind: ActorKind::Command, client: Client::NONE, request_id: None, turn: None }
    }

    /// This service itself.
    pub(crate) const fn service() -> Self {
        Self { kind: ActorKind::Service, client: Client::NONE, request_id: None, turn: None }
    }

    /// The kind of actor.
    pub(crate) fn kind(&self) -> ActorKind {
        self.kind
    }

    /// The signed-in user.
    ///
    /// # Errors
    ///
    /// For every other kind of actor: some actions are only for users on their own account.
    pub(crate) fn caller(&self) -> Result<Caller, NotSignedIn> {
        match self.kind {
            ActorKind::Caller(caller) => Ok(caller),
            ActorKind::Visitor | ActorKind::Command | ActorKind::Service => Err(NotSignedIn),
        }
    }

    /// The signed-in user's identifier; `None` for every other kind of actor.
    pub(crate) fn user(&self) -> Option<Uuid> {
        self.caller().ok().map(|caller| caller.user)
    }

    /// The sender of the request; unknown for commands and the service itself.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The address of the client, where it is known.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.client.address
    }

    /// The identifier of the request in all log lines; `None` for commands and the service itself.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.request_id.as_ref().map(RequestId::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_of_a_token_is_a_caller() {
        let request_id = || RequestId::parse(b"r-1").unwrap();
        let visitor = Actor::of_request(None, Client::NONE, request_id());
        for actor in [visitor, Actor::command(), Actor::service()] {
            assert_eq!(actor.caller(), Err(NotSignedIn));
            assert_eq!(actor.user(), None);
        }
        let caller = Caller::of_session(Uuid::from_u128(1), Uuid::from_u128(2));
        let actor = Actor::of_request(Some(caller), Client::NONE, request_id());
        assert_eq!(actor.caller(), Ok(caller));
        assert_eq!(actor.user(), Some(caller.user));
        assert_eq!(actor.request_id(), Some("r-1"));
    }
}
