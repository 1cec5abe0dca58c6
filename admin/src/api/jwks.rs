//! GET /.well-known/jwks.json: the public keys of access tokens.

use http::{HeaderValue, StatusCode, header};

use super::{Problem, Request, Response};

/// For a short while caches may answer instead; a killed key is refused by its revocation all the same.
const CACHING: HeaderValue = HeaderValue::from_static("public, max-age=30");

/// The keys that this process knows: next, active, and those retired while their tokens live.
///
/// # Errors
///
/// 503 when they have not been read yet.
pub async fn show(request: Request) -> Result<Response, Problem> {
    let jwks = request.context.keys.jwks_json()?;
    Ok(Response::new(StatusCode::OK, "application/jwk-set+json", jwks)
        .with_header(header::CACHE_CONTROL, CACHING))
}
