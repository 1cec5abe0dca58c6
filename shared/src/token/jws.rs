//! A compact JWS (RFC 7515, section 3.1): its parts and its signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::TokenError;
use super::header::Header;
use super::key::PublicKey;

/// The longest access token that is read, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Splits a token of at most `max_bytes` and verifies its signature with the key that `choose` finds for its header. The returned payload is
/// authentic; nothing in it is checked.
///
/// # Errors
///
/// The first reason found, in the order header, key, signature.
pub(super) fn open<'k>(
    raw: &str,
    max_bytes: usize,
    choose: impl FnOnce(&Header) -> Result<&'k PublicKey, TokenError>,
) -> Result<(&'k PublicKey, Vec<u8>), TokenError> {
    if raw.len() > max_bytes {
        return Err(TokenError::TooLong);
    }
    let (message, signature) = raw.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, payload) = message.split_once('.').ok_or(TokenError::Malformed)?;
    // A JWE has five parts: it leaves another dot in the payload.
    if payload.contains('.') {
        return Err(TokenError::Malformed);
    }
    let key = choose(&Header::parse(&decode(header)?)?)?;
    if !key.verifies(message, signature) {
        return Err(TokenError::BadSignature);
    }
    Ok((key, decode(payload)?))
}

fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)
}
