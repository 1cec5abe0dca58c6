//! What an OpenID provider says of itself (OpenID Connect Discovery 1.0), and its keys; both remembered.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use serde::Deserialize;
use serde_json::{Map, Value};
use shared::clock::{Clock as _, SystemClock};
use shared::token::{IdTokenCheck, IdTokenError, KeySet, TokenError};
use tokio::time::Instant;
use url::Url;

use super::descriptor::ClientAuth;
use super::error::ProviderError;
use super::transport::Transport;
use crate::config::{Endpoints, endpoint};

/// For how long what it says counts.
const MEMORY: Duration = Duration::from_secs(3600);

/// How often its keys are asked for at most, when a token names one that is not known.
const PAUSE: Duration = Duration::from_secs(5);

/// By how many seconds the provider's clock may differ from ours.
const CLOCK_SKEW: u64 = 60;

/// What a provider says of itself.
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) endpoints: Endpoints,
    pub(super) auth: ClientAuth,
    /// Whether each answer says whose it is (RFC 9207).
    pub(super) names_itself: bool,
}

/// Something that was downloaded, and when.
pub(super) struct Kept<T> {
    value: T,
    at: Instant,
}

/// What is remembered of one provider.
#[derive(Default)]
pub(super) struct Memory {
    metadata: ArcSwapOption<Kept<Metadata>>,
    keys: ArcSwapOption<Kept<KeySet>>,
}

/// What is read of the document (OpenID Connect Discovery 1.0, section 3).
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

impl<T> Kept<T> {
    fn is_older_than(&self, age: Duration) -> bool {
        self.at.elapsed() > age
    }
}

impl Memory {
    /// What the provider that calls itself `issuer` says of itself.
    pub(super) async fn metadata(
        &self,
        transport: &Transport,
        issuer: &str,
    ) -> Result<Arc<Kept<Metadata>>, ProviderError> {
        let known = self.metadata.load_full();
        if let Some(kept) = known.as_ref().filter(|kept| !kept.is_older_than(MEMORY)) {
            return Ok(Arc::clone(kept));
        }
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let url = url.parse().map_err(|_| ProviderError::Nonsense("its issuer is no address"))?;
        let read = download(transport, url).await.and_then(|document| Metadata::read(&document, issuer));
        match (read, known) {
            (Ok(value), _) => {
                let kept = Arc::new(Kept { value, at: Instant::now() });
                self.metadata.store(Some(Arc::clone(&kept)));
                Ok(kept)
            }
            // What it said before is better than nobody being let in.
            (Err(_), Some(kept)) => Ok(kept),
            (Err(error), None) => Err(error),
        }
    }

    /// Verifies an ID token with the keys at `url`, which are asked for again when they do not have its.
    pub(super) async fn verify(
        &self,
        transport: &Transport,
        url: &Url,
        token: &str,
        check: IdTokenCheck<'_>,
    ) -> Result<Map<String, Value>, ProviderError> {
        let now = SystemClock.unix_seconds();
        let known = self.keys.load_full();
        if let Some(known) = &known {
            let verdict = check.verify(token, &known.value, now);
            let may_be_new = verdict == Err(IdTokenError::Token(TokenError::UnknownKey));
            let is_settled = !may_be_new || !known.is_older_than(PAUSE);
            if is_settled && !known.is_older_than(MEMORY) {
                return verdict.map_err(no_good);
            }
        }
        let read = download(transport, url.clone()).await.and_then(|document| read_keys(&document));
        let keys = match (read, known) {
            (Ok(value), _) => Arc::new(Kept { value, at: Instant::now() }),
            // Keys that it had an hour ago are better than nobody being let in.
            (Err(_), Some(known)) => known,
            (Err(error), None) => return Err(error),
        };
        self.keys.store(Some(Arc::clone(&keys)));
        check.verify(token, &keys.value, now).map_err(no_good)
    }
}

fn read_keys(document: &Value) -> Result<KeySet, ProviderError> {
    let keys = KeySet::parse(document.to_string().as_bytes());
    keys.map_err(|_| ProviderError::Nonsense("its keys cannot be read"))
}

/// What an ID token of this provider has to say.
pub(super) fn check<'c>(issuers: &'c [&'c str], client: &'c str, nonce: &'c str) -> IdTokenCheck<'c> {
    IdTokenCheck { issuers, client, nonce, leeway: CLOCK_SKEW }
}

fn no_good(error: IdTokenError) -> ProviderError {
    ProviderError::IdToken(error.to_string())
}

async fn download(transport: &Transport, url: Url) -> Result<Value, ProviderError> {
    transport.send(reqwest::Request::new(http::Method::GET, url)).await?.json()
}

impl Metadata {
    /// Reads the document of `issuer`, which must be what it calls itself, to the letter.
    fn read(document: &Value, issuer: &str) -> Result<Self, ProviderError> {
        let document = Document::deserialize(document)
            .map_err(|_| ProviderError::Nonsense("what it says of itself is incomplete"))?;
        if document.issuer != issuer {
            return Err(ProviderError::Nonsense("it calls itself otherwise"));
        }
        // Only one that is on this machine itself may send us to this machine.
        let is_here = issuer.starts_with("http://");
        let url = |text: &str| match endpoint(text) {
            Ok(url) if url.scheme() == "https" || is_here => Ok(url),
            Ok(_) | Err(_) => Err(ProviderError::Nonsense("it names an address without TLS")),
        };
        let methods = document.token_endpoint_auth_methods_supported.as_deref();
        let knows = |method: &str| methods.is_some_and(|methods| methods.iter().any(|known| known == method));
        Ok(Self {
            endpoints: Endpoints {
                authorize: url(&document.authorization_endpoint)?,
                token: url(&document.token_endpoint)?,
                user: document.userinfo_endpoint.as_deref().map(url).transpose()?,
                keys: Some(url(&document.jwks_uri)?),
                second: None,
            },
            // Without a word about it, Basic is what it knows.
            auth: if methods.is_none() || knows("client_secret_basic") {
                ClientAuth::Basic
            } else {
                ClientAuth::Body
            },
            names_itself: document.authorization_response_iss_parameter_supported,
        })
    }
}

impl std::ops::Deref for Kept<Metadata> {
    type Target = Metadata;

    fn deref(&self) -> &Metadata {
        &self.value
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
    fn what_a_provider_says_of_itself_is_read() {
        let plain = Metadata::read(&document(), ISSUER).unwrap();
        assert_eq!((plain.auth, plain.names_itself), (ClientAuth::Basic, false));
        assert_eq!(plain.endpoints.token.as_str(), "https://id.example/token");
        let mut other = document();
        other["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
        other["authorization_response_iss_parameter_supported"] = json!(true);
        other["userinfo_endpoint"] = json!("https://id.example/me");
        let other = Metadata::read(&other, ISSUER).unwrap();
        assert_eq!((other.auth, other.names_itself), (ClientAuth::Body, true));
        assert!(other.endpoints.user.is_some());
    }

    #[test]
    fn another_name_or_an_unsafe_address_is_refused() {
        for issuer in ["https://id.example/", "https://ID.example", "https://evil.example"] {
            assert!(Metadata::read(&document(), issuer).is_err(), "{issuer}");
        }
        for member in ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"] {
            let mut unsafe_one = document();
            for address in ["http://id.example/a", "http://127.0.0.1/a", "http://localhost/a", "nonsense"] {
                unsafe_one[member] = json!(address);
                assert!(Metadata::read(&unsafe_one, ISSUER).is_err(), "{member}");
            }
        }
        for member in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"] {
            let mut incomplete = document();
            incomplete.as_object_mut().unwrap().remove(member);
            assert!(Metadata::read(&incomplete, ISSUER).is_err(), "{member}");
        }
    }

    proptest! {
        #[test]
        fn any_document_is_read_or_refused_without_panic(member in "[a-z_]{1,20}", text in "\\PC{0,40}") {
            let mut any = document();
            any[&member] = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
            let _verdict = Metadata::read(&any, ISSUER);
        }
    }
}
