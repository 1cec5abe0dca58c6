//! What a client gets of a session: a token pair, or an access token alone, in the body or in cookies.

use http::{HeaderValue, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::actor::DEVICE_COOKIE;
use crate::api::{IssuedToken, IssuedTokens, Response, SessionCookies};
use crate::guessing::DEVICE_LIFE;

/// A token pair (RFC 6749, section 5.1).
// Purposefully without `Debug`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Pair {
    /// A JWT, to send as `Authorization: Bearer`.
    pub(super) access_token: String,
    /// Always `Bearer`.
    #[schema(pattern = "^Bearer$")]
    pub(super) token_type: &'static str,
    /// The lifetime of the access token in seconds.
    pub(super) expires_in: u64,
    /// Exchanges this session's tokens for the next pair; each refresh returns a new one.
    #[serde(serialize_with = "exposed")]
    #[schema(value_type = String, pattern = "^v1\\.[A-Za-z0-9_-]{60}$")]
    pub(super) refresh_token: SecretString,
    /// Seconds until the session ends unless it is refreshed.
    pub(super) refresh_expires_in: u64,
    pub(super) session_id: Uuid,
    /// A token that identifies this device for 180 days. Send it when you sign in or refresh; browsers keep it as a cookie.
    #[serde(serialize_with = "exposed")]
    #[schema(value_type = String, pattern = "^d1\\.[A-Za-z0-9_-]{76,226}$")]
    pub(super) device_token: SecretString,
}

/// A new access token of a session whose refresh token stays.
// Purposefully without `Debug`.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccessToken {
    /// A JWT, to send as `Authorization: Bearer`.
    pub(super) access_token: String,
    /// Always `Bearer`.
    #[schema(pattern = "^Bearer$")]
    pub(super) token_type: &'static str,
    /// The lifetime of the access token in seconds.
    pub(super) expires_in: u64,
    pub(super) session_id: Uuid,
}

/// An example device token.
pub(crate) const EXAMPLE_DEVICE: &str =
    "d1.AZ-GcWh3V0yQwL7mS1nT2uUAAAAAbYQ0AAFxZpQK2m4Wc0dE9yBvTtUrGfCkYyJb8sQn3oXhIa5Li7eRz1Mw";

/// An example refresh token.
pub(crate) const EXAMPLE_TOKEN: &str = "v1.AQGToa_ifE1-j5oLHC0-T1prAAAAAAAAAAHhJXq2yHnsDVRC6w0lDQQhJsW5";

/// An example token pair. Its tokens are well-formed, but not valid.
pub(crate) fn example() -> Value {
    json!({
        "access_token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSIsImtpZCI6Ii4uLiJ9.eyIuLi4iOiIuLi4ifQ.c2lnbmF0dXJl",
        "token_type": "Bearer",
        "expires_in": 900,
        "refresh_token": EXAMPLE_TOKEN,
        "refresh_expires_in": 2_592_000,
        "session_id": "0193a1af-e27c-7d7e-8f9a-0b1c2d3e4f5a",
        "device_token": EXAMPLE_DEVICE
    })
}

impl Pair {
    /// The token of the device.
    pub(super) fn device_token(&self) -> &str {
        self.device_token.expose_secret()
    }

    /// The answer with the pair, and with the cookie of the device.
    pub(crate) fn respond(&self) -> Response {
        self.with_cookie(Response::json(StatusCode::OK, self)).with_session(self.cookies())
    }

    /// The cookies of a browser that keeps the tokens in them.
    pub(crate) fn cookies(&self) -> SessionCookies {
        let access = IssuedToken { text: self.access_token.as_str().into(), seconds: self.expires_in };
        let refresh = IssuedToken { text: self.refresh_token.clone(), seconds: self.refresh_expires_in };
        SessionCookies::Set(IssuedTokens { access, refresh: Some(refresh) })
    }

    /// The access token, for a page that acts for the user.
    pub(crate) fn access(&self) -> SecretString {
        self.access_token.as_str().into()
    }

    /// `response` with the cookie of the device. Only this host gets it, also when a link of another site leads here.
    pub(crate) fn with_cookie(&self, response: Response) -> Response {
        self.device_cookie().into_iter().fold(response, Response::with_cookie)
    }

    /// The cookie of the device.
    pub(crate) fn device_cookie(&self) -> Option<HeaderValue> {
        let token = self.device_token.expose_secret();
        let text =
            format!("{DEVICE_COOKIE}={token}; Path=/; Max-Age={DEVICE_LIFE}; Secure; HttpOnly; SameSite=Lax");
        // A token is of letters, digits, `-`, `_` and `.`.
        HeaderValue::try_from(text).ok()
    }
}

impl AccessToken {
    /// The answer with the token.
    pub(crate) fn respond(&self) -> Response {
        Response::json(StatusCode::OK, self).with_session(self.cookies())
    }

    /// As [`Pair::cookies`]; the refresh token stays.
    pub(crate) fn cookies(&self) -> SessionCookies {
        let access = IssuedToken { text: self.text(), seconds: self.expires_in };
        SessionCookies::Set(IssuedTokens { access, refresh: None })
    }

    /// As [`Pair::access`].
    pub(crate) fn text(&self) -> SecretString {
        self.access_token.as_str().into()
    }
}

/// An example of an access token alone.
pub(crate) fn access_example() -> Value {
    let mut example = example();
    if let Some(members) = example.as_object_mut() {
        members.retain(|name, _| !name.contains("refresh") && name != "device_token");
    }
    example
}

/// The only place where a refresh token or a device token is taken out of its secret wrapper for a body.
fn exposed<S: Serializer>(token: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.expose_secret())
}
