//! A session, and what its tokens are minted from.

use std::net::IpAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use shared::role::RoleName;
use uuid::Uuid;

use super::origin::ClientOrigin;
use crate::actor::{Client, DeviceText};
use crate::config::TokenConfig;
use crate::guessing::DeviceMark;
use crate::notices::NoticeClient;

/// A session, with what minting needs.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// `sid`.
    pub(crate) id: Uuid,
    /// `sub`.
    pub(crate) user: Uuid,
    /// `client_id`.
    pub(crate) client: String,
    /// `auth_time`.
    pub(crate) authenticated_at: Timestamp,
    /// `amr`.
    pub(crate) amr: Vec<String>,
    /// The identity provider used to sign in; `None` for a password.
    pub(crate) provider: Option<String>,
    /// The state of its refresh token. `is_user_active` is false until a later statement has read it.
    pub(crate) state: SessionState,
}

/// The stored state of the session, read under its lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionState {
    /// The key that seals its tokens.
    pub(crate) key: u8,
    /// The counter of the newest child token.
    pub(crate) counter: u64,
    /// Tokens below it were revoked by a credential change that kept the session.
    pub(crate) revoked_below: u64,
    /// Whether it has been revoked.
    pub(crate) is_revoked: bool,
    /// The deployment's generation when the session began.
    pub(crate) deployment_generation: u64,
    /// Whether its user is active.
    pub(crate) is_user_active: bool,
    /// When it ends unless it is refreshed.
    pub(crate) idle_expires_at: Timestamp,
    /// When it ends at the latest.
    pub(crate) expires_at: Timestamp,
    /// The last rotation, if there was one.
    pub(crate) rotation: Option<Rotation>,
    /// The network and program of the sign-in, until the first rotation.
    pub(crate) opened_from: ClientOrigin,
    /// The device token that was given at the sign-in. `None` for a session of an older version.
    pub(crate) device: Option<DeviceMark>,
    /// Whether the client has sent a device token that knows the account: at the sign-in, or this one since.
    pub(crate) is_device_returned: bool,
    /// When repeats were accepted from another network or another program.
    pub(crate) nearby: Vec<Timestamp>,
    /// When repeats were accepted from another network and another program.
    pub(crate) elsewhere: Vec<Timestamp>,
}

/// The rotation from child `n-1` to child `n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rotation {
    /// When it happened.
    pub(crate) at: Timestamp,
    /// From which client.
    pub(crate) origin: ClientOrigin,
    /// How often child `n` was returned again as concurrent.
    pub(crate) concurrent: u32,
}

/// The user agent and network of a client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Device {
    pub(crate) address: Option<IpAddr>,
    pub(crate) user_agent: Option<String>,
    pub(crate) name: Option<String>,
    /// The token that the client presented.
    pub(crate) token: Option<DeviceText>,
    /// The languages that the client accepts.
    pub(crate) languages: Option<String>,
}

/// An active session, as its user and operators see it.
#[derive(Debug, Clone)]
pub(crate) struct ListedSession {
    pub(crate) id: Uuid,
    pub(crate) client: String,
    pub(crate) created_at: Timestamp,
    pub(crate) last_used_at: Timestamp,
    /// When it ends unless it is refreshed.
    pub(crate) expires_at: Timestamp,
    pub(crate) amr: Vec<String>,
    pub(crate) provider: Option<String>,
    pub(crate) device: Device,
}

/// The clock and the generations, read after the locks were taken and before the roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// `clock_timestamp()`.
    pub(crate) now: Timestamp,
    /// `gen`.
    pub(crate) generation: u64,
    /// `ggen`.
    pub(crate) deployment_generation: u64,
    /// The epoch of the devices that know the user.
    pub(crate) device_epoch: u64,
}

/// The user's current status and roles, read after [`Stamp`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    /// Whether tokens may be minted.
    pub(crate) is_active: bool,
    /// Whether the user is a superuser, or a role grants a permission of this service.
    pub(crate) is_operator: bool,
    /// In order of name.
    pub(crate) roles: Vec<HeldRole>,
}

/// A role that the user has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeldRole {
    pub(crate) name: RoleName,
    pub(crate) expires_at: Option<Timestamp>,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndReason {
    Logout,
    LogoutAll,
    Ended,
    Reuse,
    PasswordChanged,
    EmailChanged,
    LoginChanged,
    Disabled,
    Admin,
    /// The owner of the e-mail address proved that it is theirs.
    EmailClaimed,
    /// The provider account used to sign in was unlinked.
    Unlinked,
    /// The user signed in again and had too many sessions.
    Evicted,
    /// The account will be erased.
    Erasing,
}

impl Session {
    /// Shortens the session of a user who holds a permission of this service. Applied whenever a token is minted, so that
    /// it does not matter by which way, or when, the user got the permission.
    pub(crate) fn shorten(&mut self, standing: &Standing, tokens: &TokenConfig) {
        if standing.is_operator {
            let end = after(self.authenticated_at, tokens.operator_session_life);
            let state = &mut self.state;
            state.expires_at = state.expires_at.min(end);
            state.idle_expires_at = state.idle_expires_at.min(state.expires_at);
        }
    }
}

impl SessionState {
    /// From where it was last used.
    pub(crate) fn origin(&self) -> &ClientOrigin {
        self.rotation.as_ref().map_or(&self.opened_from, |rotation| &rotation.origin)
    }

    /// Whether it was revoked, alone or together with all sessions.
    pub(crate) fn has_ended(&self, deployment_generation: u64) -> bool {
        self.is_revoked || self.deployment_generation < deployment_generation
    }
}

impl Device {
    /// The client of `request`.
    pub(crate) fn of(client: &Client, name: Option<String>) -> Self {
        Self {
            address: client.address,
            user_agent: client.user_agent.clone(),
            name,
            token: client.device.clone(),
            languages: client.languages.clone(),
        }
    }
}

impl<'d> From<&'d Device> for NoticeClient<'d> {
    fn from(device: &'d Device) -> Self {
        Self {
            address: device.address,
            user_agent: device.user_agent.as_deref(),
            languages: device.languages.as_deref(),
        }
    }
}

impl EndReason {
    /// The stored form.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::LogoutAll => "logout_all",
            Self::Ended => "ended",
            Self::Reuse => "reuse",
            Self::PasswordChanged => "password_changed",
            Self::EmailChanged => "email_changed",
            Self::LoginChanged => "login_changed",
            Self::Disabled => "disabled",
            Self::Admin => "admin",
            Self::EmailClaimed => "email_claimed",
            Self::Unlinked => "unlinked",
            Self::Evicted => "evicted",
            Self::Erasing => "erasing",
        }
    }
}

/// Later by `span`; the end of time if that is beyond it.
pub(crate) fn after(moment: Timestamp, span: Duration) -> Timestamp {
    let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
    moment.checked_add(span).unwrap_or(Timestamp::MAX)
}
