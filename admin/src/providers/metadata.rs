//! The metadata of a provider's authorization server (RFC 8414), configured or from its discovery document.

use serde::Deserialize;
use serde_json::Value;
use shared::json;

use super::config::{Endpoints, endpoint};
use super::descriptor::{ClientAuth, Descriptor};
use super::error::ProviderError;
use super::microsoft;

/// Where a provider's endpoints are, and how our client must use them.
#[derive(Debug)]
pub(super) struct ServerMetadata {
    pub(super) endpoints: Endpoints,
    pub(super) client_auth: ClientAuth,
    /// Its issuer identifier, in every spelling that it uses; empty when it has none.
    pub(super) issuers: Vec<String>,
    /// The template of its issuer identifiers, where each of its tenants has one (see `microsoft`).
    pub(super) template: Option<String>,
    /// The issuers that its keys may name as their own; `None` if that is not compared.
    key_issuers: Option<Vec<String>>,
    /// Whether every authorization response contains `iss` (RFC 9207).
    sends_issuer: bool,
}

/// The members of a discovery document that are used (OpenID Connect Discovery 1.0, section 3).
#[derive(Deserialize)]
struct MetadataDocument {
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
            template: None,
            key_issuers: None,
            sends_issuer: false,
        }
    }

    /// Parses the discovery document of `issuer`, which must name exactly this issuer, or the template of its tenants.
    pub(super) fn parse(document: &Value, issuer: &str) -> Result<Self, ProviderError> {
        let document: MetadataDocument = json::from_value(document)
            .map_err(|_| ProviderError::InvalidResponse("the discovery document is incomplete"))?;
        let template = microsoft::template(issuer).filter(|template| *template == document.issuer);
        if document.issuer != issuer && template.is_none() {
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
                list: None,
            },
            // Basic is the default of the standard.
            client_auth: if methods.is_none() || supports("client_secret_basic") {
                ClientAuth::Basic
            } else {
                ClientAuth::Body
            },
            key_issuers: microsoft::key_issuers(&document.issuer),
            issuers: if template.is_some() { Vec::new() } else { vec![document.issuer] },
            template,
            sends_issuer: document.authorization_response_iss_parameter_supported,
        })
    }

    /// The issuers that the key of an ID token of one of `issuers` may name as its own. A key for all tenants names the template, a
    /// key of one tenant the issuer of this tenant.
    pub(super) fn key_issuers<'m>(&'m self, issuers: &[&'m str]) -> Option<Vec<&'m str>> {
        match (&self.template, &self.key_issuers) {
            (Some(template), _) => Some(issuers.iter().copied().chain([template.as_str()]).collect()),
            (None, known) => known.as_ref().map(|known| known.iter().map(String::as_str).collect()),
        }
    }

    /// Whether an authorization response with this `iss`, or without one, may be this provider's and no other's
    /// (RFC 9207).
    pub(super) fn may_send(&self, issuer: Option<&str>) -> bool {
        match (issuer, &self.template) {
            (None, _) => !self.sends_issuer,
            (Some(issuer), Some(template)) => microsoft::fits(template, issuer),
            (Some(issuer), None) => {
                self.issuers.is_empty() || self.issuers.iter().any(|known| known == issuer)
            }
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

    #[test]
    fn the_document_of_all_tenants_names_the_template() {
        let issuer = "https://login.microsoftonline.com/common/v2.0";
        let mut common = document();
        for (named, is_accepted) in [
            ("https://login.microsoftonline.com/{tenantid}/v2.0", true),
            ("https://login.microsoftonline.com/{tenantid}/v1.0", false),
            ("https://evil.example/{tenantid}/v2.0", false),
        ] {
            common["issuer"] = json!(named);
            assert_eq!(ServerMetadata::parse(&common, issuer).is_ok(), is_accepted, "{named}");
        }
        // Elsewhere it is not a template.
        common["issuer"] = json!("https://id.example/{tenantid}/v2.0");
        assert!(ServerMetadata::parse(&common, "https://id.example/common/v2.0").is_err());
    }

    #[test]
    fn a_response_of_another_issuer_is_not_expected() {
        let mut metadata = ServerMetadata::parse(&document(), ISSUER).unwrap();
        assert!(metadata.may_send(None) && metadata.may_send(Some(ISSUER)));
        assert!(!metadata.may_send(Some("https://evil.example")));
        metadata.sends_issuer = true;
        assert!(!metadata.may_send(None));
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
