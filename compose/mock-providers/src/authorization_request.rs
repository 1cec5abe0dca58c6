//! An authorization request (RFC 6749, section 4.1.1).

use crate::provider::Provider;

/// A valid authorization request.
#[derive(Debug, Clone)]
pub(crate) struct AuthorizationRequest {
    pub(crate) provider: Provider,
    pub(crate) client: String,
    pub(crate) redirect_uri: String,
    pub(crate) state: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: Option<String>,
}
