//! Tokens of an issuer other than Usher: what they must be, and how their claims are read.

use serde_json::{Map, Value};

use super::claims::{VerifiedToken, check_roles, is_identity};
use super::error::TokenError;
use super::key::Algorithm;
use crate::json;
use crate::revocation::{Kind, RecordKey};
use crate::role::RoleName;

/// The requirements of a sidecar that verifies another issuer's tokens.
///
/// A claim is named by its path, with dots between the members, such as `realm_access.roles`. There are
/// no generations: user revocations act by issue time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// The accepted algorithms; keys of others are refused.
    pub algorithms: Vec<Algorithm>,
    /// The required `typ`; `None` accepts any.
    pub token_type: Option<String>,
    /// The claim that names the user.
    pub user_claim: String,
    /// The claim that names the session; a token without it has no session.
    pub session_claim: String,
    /// The claim with the roles: an array, or one text with spaces between. Values that are not valid
    /// role names are ignored.
    pub roles_claim: String,
}

impl Foreign {
    /// Reads the claims of a token whose `nbf`, if it has one, is not after `latest`.
    pub(super) fn read(
        &self,
        payload: &[u8],
        issuer: &str,
        kid: &str,
        latest: u64,
    ) -> Result<VerifiedToken, TokenError> {
        let claims = json::object(payload).ok_or(TokenError::Malformed)?;
        if text(&claims, "iss")? != issuer {
            return Err(TokenError::WrongIssuer);
        }
        if claims.contains_key("nbf") && seconds(&claims, "nbf")? > latest {
            return Err(TokenError::IssuedInFuture);
        }
        let subject = identity(text(&claims, &self.user_claim)?)?;
        let session = optional_identity(&claims, &self.session_claim)?;
        let token_id = optional_identity(&claims, "jti")?;
        let issued_at = seconds(&claims, "iat")?;
        let key = |kind, claim: &str| RecordKey::new(issuer, kind, claim);
        Ok(VerifiedToken {
            token_key: token_id.map(|jti| key(Kind::Token, &jti)),
            session_key: session.as_deref().map(|sid| key(Kind::Session, sid)),
            user_key: key(Kind::User, &subject),
            signing_key: key(Kind::Key, kid),
            subject,
            session,
            audiences: audiences(&claims)?,
            roles: self.roles(&claims)?,
            issued_at,
            expires_at: seconds(&claims, "exp")?,
            auth_time: None,
            by_password: false,
            generation: issued_at,
            deployment_generation: issued_at,
        })
    }

    fn roles(&self, claims: &Map<String, Value>) -> Result<Vec<RoleName>, TokenError> {
        let mut roles: Vec<_> = match find(claims, &self.roles_claim) {
            Some(Value::Array(values)) => {
                values.iter().filter_map(Value::as_str).filter_map(|name| name.parse().ok()).collect()
            }
            Some(Value::String(names)) => {
                names.split_ascii_whitespace().filter_map(|name| name.parse().ok()).collect()
            }
            _ => Vec::new(),
        };
        roles.sort();
        roles.dedup();
        check_roles(&roles)?;
        Ok(roles)
    }
}

fn find<'c>(claims: &'c Map<String, Value>, path: &str) -> Option<&'c Value> {
    // A claim whose own name has dots, such as a URL, is looked up whole before it is split.
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    rest.split('.').try_fold(claims.get(first)?, |value, member| value.get(member))
}

fn text<'c>(claims: &'c Map<String, Value>, path: &str) -> Result<&'c str, TokenError> {
    match find(claims, path) {
        None => Err(TokenError::MissingClaim),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(TokenError::Malformed),
    }
}

fn identity(text: &str) -> Result<String, TokenError> {
    if is_identity(text) { Ok(text.to_owned()) } else { Err(TokenError::UnfitIdentity) }
}

fn optional_identity(claims: &Map<String, Value>, path: &str) -> Result<Option<String>, TokenError> {
    match text(claims, path) {
        Ok(value) => identity(value).map(Some),
        Err(TokenError::MissingClaim) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A `NumericDate` (RFC 7519, section 2), which may have a fraction; it is cut off.
fn seconds(claims: &Map<String, Value>, name: &str) -> Result<u64, TokenError> {
    const LATEST: f64 = 253_402_300_799.0; // the end of the year 9999
    let value = claims.get(name).ok_or(TokenError::MissingClaim)?;
    match (value.as_u64(), value.as_f64()) {
        (Some(second), _) => Ok(second),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to lie within")]
        (None, Some(second)) if (0.0..=LATEST).contains(&second) => Ok(second as u64),
        _ => Err(TokenError::Malformed),
    }
}

fn audiences(claims: &Map<String, Value>) -> Result<Vec<String>, TokenError> {
    match claims.get("aud") {
        None => Err(TokenError::MissingClaim),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(many)) => {
            many.iter().map(|one| one.as_str().map(str::to_owned).ok_or(TokenError::Malformed)).collect()
        }
        Some(_) => Err(TokenError::Malformed),
    }
}
