//! The protected header of a compact JWS, read strictly.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};
use serde_json::Value;

use super::error::TokenError;
use crate::json;

/// The members that matter.
#[derive(Debug, Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    #[serde(default)]
    pub(super) kid: Option<String>,
    #[serde(default)]
    pub(super) typ: Option<String>,
    #[serde(default)]
    crit: Present,
    #[serde(default)]
    b64: Present,
    #[serde(default)]
    enc: Present,
    #[serde(default)]
    zip: Present,
    #[serde(default)]
    jku: Present,
    #[serde(default)]
    jwk: Present,
    #[serde(default)]
    x5u: Present,
    #[serde(default)]
    x5c: Present,
}

/// Whether a member is in the header at all, with any value.
#[derive(Debug, Default)]
struct Present(bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(true))
    }
}

impl Header {
    /// Reads the decoded header, and refuses members that would change how to verify or where the key
    /// comes from (RFC 8725, sections 3.1 and 3.10).
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, TokenError> {
        // Not read at once: serde would pass over a repeated member whose name it does not know.
        let members = json::object(bytes).ok_or(TokenError::Malformed)?;
        let header: Self = json::from_value(&Value::Object(members)).map_err(|_| TokenError::Malformed)?;
        let refused = [
            &header.crit,
            &header.b64,
            &header.enc,
            &header.zip,
            &header.jku,
            &header.jwk,
            &header.x5u,
            &header.x5c,
        ];
        if refused.iter().any(|member| member.0) { Err(TokenError::ForbiddenHeader) } else { Ok(header) }
    }

    /// Whether `typ` names the media type `wanted`, with or without `application/`, in any case
    /// (RFC 7515, section 4.1.9).
    pub(super) fn is_of_type(&self, wanted: &str) -> bool {
        self.typ.as_deref().is_some_and(|typ| {
            let bare = match typ.get(..12) {
                Some(prefix) if prefix.eq_ignore_ascii_case("application/") => typ.get(12..).unwrap_or(""),
                _ => typ,
            };
            bare.eq_ignore_ascii_case(wanted)
        })
    }
}
