//! The metadata of a provider's authorization server (RFC 8414), configured or from its discovery document.

use serde::Deserialize;
use serde_json::Value;

use super::config::{Endpoints, endpoint};
use super::descriptor::{ClientAuth, Descriptor};
use super::error::ProviderError;

/// Where a provider's endpoints are, and how our client must use them.
#[derive(Debug)]
pub(super) struct ServerMetadata {
    pub(super) endpoints: Endpoints,
    pub(super) client_auth: ClientAuth,
    /// Its issuer identifier, in every spelling that it uses; empty when it has none.
    pub(super) issuers: Vec<String>,
    /// Whether every authorization response contains `iss` (RFC 9207).
    sends_issuer: bool,
}

/// The members of a discovery document that are used (OpenID Connect Discovery 1.0, section 3).
#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: Option<String>,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl ServerMetadata {
    /// That of a provider whose endpoints are configured.
    pub(super) fn configured(descriptor: &Descriptor, endpoints: &Endpoints) -> Self {
        let issuers = descriptor.id_token.as_ref().map(|tokens| tokens.issuers).unwrap_or_default();
        Self {
            endpoints: endpoints.clone(),
            client_auth: descriptor.client_auth,
            issuers: issuers.iter().map(|issuer| (*issuer).to_owned()).collect(),
            sends_issuer: false,
        }
    }

    /// Parses the discovery document of `issuer`, which must name exactly this issuer.
    pub(super) fn parse(document: &Value, issuer: &str) -> Result<Self, ProviderError> {
        let document = Document::deserialize(document)
            .map_err(|_| ProviderError::InvalidResponse("the discovery document is incomplete"))?;
        if document.issuer != issuer {
            return Err(ProviderError::InvalidResponse("issuer mismatch in the discovery document"));
        }
        // Only a provider on this machine may name endpoints on this machine.
        let is_loopback = issuer.starts_with("http://");
        let url = |text: &str| match endpoint(text) {
            Ok(url) if url.scheme() == "https" || is_loopback => Ok(url),
            Ok(_) | Err(_) => {
                Err(ProviderError::InvalidResponse("the discovery document names a URL without TLS"))
            }
        };
        let methods = document.token_endpoint_auth_methods_supported.as_deref();
        let supports =
            |method: &str| methods.is_some_and(|methods| methods.iter().any(|known| known == method));
        Ok(Self {
            endpoints: Endpoints {
                authorize: url(&document.authorization_endpoint)?,
                token: url(&document.token_endpoint)?,
                user: document.userinfo_endpoint.as_deref().map(url).transpose()?,
                keys: Some(url(&document.jwks_uri)?),
                second: None,
            },
            // Basic is the default of the standard.
            client_auth: if methods.is_none() || supports("client_secret_basic") {
                ClientAuth::Basic
            } else {
                ClientAuth::Body
            },
            issuers: vec![document.issuer],
            sends_issuer: document.authorization_response_iss_parameter_supported,
        })
    }

    /// Checks the `iss` of an authorization response, so that no other provider's response is accepted (RFC 9207).
    pub(super) fn check_issuer(&self, sent: Option<&str>) -> Result<(), ProviderError> {
        let is_expected = match sent {
            Some(issuer) => self.issuers.is_empty() || self.issuers.iter().any(|known| known == issuer),
            None => !self.sends_issuer,
        };
        if is_expected {
            Ok(())
        } else {
            Err(ProviderError::InvalidResponse("issuer mismatch in the authorization response"))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://id.example";

    fn document() -> Value {
        json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://id.example/auth",
            "token_endpoint": "https://id.example/token",
            "jwks_uri": "https://id.example/jwks",
        })
    }

    #[test]
    fn a_discovery_document_is_parsed() {
        let plain = ServerMetadata::parse(&document(), ISSUER).unwrap();
        assert_eq!((plain.client_auth, plain.sends_issuer), (ClientAuth::Basic, false));
        assert_eq!(plain.endpoints.token.as_str(), "https://id.example/token");
        let mut other = document();
        other["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
        other["authorization_response_iss_parameter_supported"] = json!(true);
        other["userinfo_endpoint"] = json!("https://id.example/me");
        let other = ServerMetadata::parse(&other, ISSUER).unwrap();
        assert_eq!((other.client_auth, other.sends_issuer), (ClientAuth::Body, true));
        assert!(other.endpoints.user.is_some());
    }

    #[test]
    fn another_issuer_or_an_unsafe_url_is_refused() {
        for issuer in ["https://id.example/", "https://ID.example", "https://evil.example"] {
            assert!(ServerMetadata::parse(&document(), issuer).is_err(), "{issuer}");
        }
        for member in ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"] {
            let mut unsafe_one = document();
            for address in ["http://id.example/a", "http://127.0.0.1/a", "http://localhost/a", "nonsense"] {
                unsafe_one[member] = json!(address);
                assert!(ServerMetadata::parse(&unsafe_one, ISSUER).is_err(), "{member}");
            }
        }
        for member in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"] {
            let mut incomplete = document();
            incomplete.as_object_mut().unwrap().remove(member);
            assert!(ServerMetadata::parse(&incomplete, ISSUER).is_err(), "{member}");
        }
    }

    proptest! {
        #[test]
        fn any_document_is_parsed_or_refused_without_panic(member in "[a-z_]{1,20}", text in "\\PC{0,40}") {
            let mut any = document();
            any[&member] = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
            let _verdict = ServerMetadata::parse(&any, ISSUER);
        }
    }
}
