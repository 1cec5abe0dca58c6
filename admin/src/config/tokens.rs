//! Tokens, sessions and keys: audience, issuer and lifetimes.

use std::time::Duration;

use runtime::env::{Reader, between, duration_between, text};

/// The claims of all tokens, and lifetimes.
#[derive(Debug, Clone)]
pub struct TokenConfig {
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
    /// The life of an access token.
    pub access_life: Duration,
    /// The time without a refresh after which a session ends.
    pub session_idle: Duration,
    /// The longest life of a session.
    pub session_life: Duration,
    /// The same for users who hold a permission of this service.
    pub operator_session_life: Duration,
    /// How many sessions an account may open within an hour.
    pub sessions_per_hour: u32,
    /// How long a next key must have been published before it may sign: the sidecars' refresh interval.
    pub key_publication: Duration,
}

/// Who may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Everyone who proves an e-mail address by a code or a link from a mail.
    Verify,
    /// Everyone; no address is proven.
    Open,
    /// Users with an invitation of an operator.
    Invite,
    /// The same: an operator can still invite users.
    Closed,
}

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

impl TokenConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let issuer = issuer(reader);
        let audience = reader.required("ADMIN_AUDIENCE", identifier);
        let hour = Duration::from_hours(1);
        let years = DAY * 3660;
        let access_life =
            reader.or("ADMIN_ACCESS_TOKEN_LIFE", Duration::from_mins(15), duration_between(SECOND, hour));
        let session_idle = reader.or("ADMIN_SESSION_IDLE", DAY * 30, duration_between(SECOND, years));
        let session_life = reader.or("ADMIN_SESSION_LIFE", DAY * 180, duration_between(SECOND, years));
        let operator_session_life =
            reader.or("ADMIN_OPERATOR_SESSION_LIFE", DAY * 30, duration_between(SECOND, years));
        let sessions_per_hour = reader.or("ADMIN_SESSIONS_PER_HOUR", 20, between(1, 1_000_000));
        let key_publication = key_publication(reader);
        Some(Self {
            issuer: issuer?,
            audience: audience?,
            access_life,
            session_idle,
            session_life,
            operator_session_life,
            sessions_per_hour,
            key_publication,
        })
    }
}

/// `iss`.
pub(super) fn issuer(reader: &mut Reader<'_>) -> Option<String> {
    reader.required("ADMIN_ISSUER", identifier)
}

/// How long a next key must have been published before it may sign.
pub(super) fn key_publication(reader: &mut Reader<'_>) -> Duration {
    reader.or("ADMIN_KEY_PUBLICATION", Duration::from_mins(5), duration_between(SECOND, DAY))
}

/// The shortest new password. At most 64: every longer one must be accepted (NIST SP 800-63B).
pub(super) fn password_min(reader: &mut Reader<'_>) -> usize {
    reader.or("ADMIN_PASSWORD_MIN", 8, between(8, 64))
}

impl Registration {
    /// By default everyone proves an address where mail is sent.
    pub(super) fn read(reader: &mut Reader<'_>, has_mail: bool) -> Self {
        let default = if has_mail { Self::Verify } else { Self::Open };
        let chosen = reader.or("ADMIN_REGISTRATION", default, |text| match text {
            "verify" => Ok(Self::Verify),
            "open" => Ok(Self::Open),
            "invite" => Ok(Self::Invite),
            "closed" => Ok(Self::Closed),
            _ => Err("must be `verify`, `open`, `invite` or `closed`"),
        });
        if chosen == Self::Verify && !has_mail {
            reader.mistake("ADMIN_REGISTRATION", "must be `verify` only if ADMIN_MAIL_URL is set");
        }
        chosen
    }

    /// Whether the new address of an account must be proven, where mail is sent.
    pub fn proves_changes(self) -> bool {
        match self {
            Self::Verify | Self::Invite | Self::Closed => true,
            Self::Open => false,
        }
    }

    /// Whether everyone may get a new account.
    pub fn is_for_everyone(self) -> bool {
        match self {
            Self::Verify | Self::Open => true,
            Self::Invite | Self::Closed => false,
        }
    }
}

/// Checks an `iss` or `aud`: visible ASCII, which is safe in logs and headers.
fn identifier(value: &str) -> Result<String, &'static str> {
    let fits = value.bytes().all(|byte| byte.is_ascii_graphic()) && value.len() <= 200;
    if fits {
        text(value).map_err(|never| match never {})
    } else {
        Err("must be 1 to 200 visible ASCII characters")
    }
}
