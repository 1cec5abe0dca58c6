//! Tokens, sessions and keys: for whom, and how long.

use std::time::Duration;

use shared::env::{Reader, duration_between, text};

/// What stands in tokens, and how long things last.
#[derive(Debug, Clone)]
pub struct TokenConfig {
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
    /// How long an access token is good.
    pub access_life: Duration,
    /// After how long without a refresh a session ends.
    pub session_idle: Duration,
    /// After how long a session ends in any case.
    pub session_life: Duration,
    /// How long `next` must have been published before it may sign: the sidecars' refresh interval.
    pub key_publication: Duration,
}

/// Who may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Anybody.
    Open,
    /// Nobody.
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
        let key_publication = key_publication(reader);
        Some(Self {
            issuer: issuer?,
            audience: audience?,
            access_life,
            session_idle,
            session_life,
            key_publication,
        })
    }
}

/// `iss`.
pub(super) fn issuer(reader: &mut Reader<'_>) -> Option<String> {
    reader.required("ADMIN_ISSUER", identifier)
}

/// How long `next` must have been published before it may sign.
pub(super) fn key_publication(reader: &mut Reader<'_>) -> Duration {
    reader.or("ADMIN_KEY_PUBLICATION", Duration::from_mins(5), duration_between(SECOND, DAY))
}

impl Registration {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        reader.or("ADMIN_REGISTRATION", Self::Open, |text| match text {
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            _ => Err("it is open or closed"),
        })
    }
}

/// What stands in a token's `iss` or `aud`: visible ASCII, so that it survives logs and headers.
fn identifier(value: &str) -> Result<String, &'static str> {
    let fits = value.bytes().all(|byte| byte.is_ascii_graphic()) && value.len() <= 200;
    if fits {
        text(value).map_err(|never| match never {})
    } else {
        Err("it is up to 200 visible ASCII characters")
    }
}
