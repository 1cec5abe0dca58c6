//! `GET /.well-known/jwks.json`: the public keys of access tokens.

use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::{Access, Operation, Problem, Request, Response};

/// The response may be cached for a short time; a killed key is refused by its revocation all the same.
const CACHING: HeaderValue = HeaderValue::from_static("public, max-age=30");

/// Public keys (RFC 7517).
// Only for the OpenAPI document; the key ring writes the actual response.
#[derive(ToSchema)]
#[schema(as = JwkSet)]
#[expect(dead_code, reason = "used only for its schema")]
struct Set {
    keys: Vec<Key>,
}

/// A public key (RFC 8037).
#[derive(ToSchema)]
#[schema(as = Jwk)]
#[expect(dead_code, reason = "used only for its schema")]
struct Key {
    #[schema(pattern = "^OKP$")]
    kty: String,
    #[schema(pattern = "^Ed25519$")]
    crv: String,
    #[schema(pattern = "^EdDSA$")]
    alg: String,
    #[schema(pattern = "^sig$")]
    r#use: String,
    kid: String,
    #[schema(pattern = "^[A-Za-z0-9_-]{43}$")]
    x: String,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Keys")
        .summary("The public keys of access tokens (RFC 7517).")
        .detail("The next key, the active key, and retired keys while tokens that they signed can be valid.")
        .access(Access::Public)
        .answer_as::<Set>(
            "application/jwk-set+json",
            200,
            "The keys.",
            json!({ "keys": [{
                "kty": "OKP",
                "crv": "Ed25519",
                "alg": "EdDSA",
                "use": "sig",
                "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
            }] }),
        )
        .answer_header(200, "Cache-Control", "The response may be cached for a short time.")
}

/// The keys that this process has loaded: next, active, and retired ones while tokens that they signed can be
/// valid.
///
/// # Errors
///
/// 503 before the keys are loaded.
pub async fn show(request: Request) -> Result<Response, Problem> {
    let jwks = request.context.keys.jwks_json()?;
    Ok(Response::new(StatusCode::OK, "application/jwk-set+json", jwks)
        .with_header(header::CACHE_CONTROL, CACHING))
}
