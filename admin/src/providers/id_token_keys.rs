//! Verifies ID tokens with the provider's published keys, which are cached.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use serde_json::{Map, Value};
use shared::token::{Algorithm, IdTokenCheck, IdTokenError, KeySet, TokenError};
use url::Url;

use super::error::ProviderError;
use super::fetched::{Fetched, MAX_AGE, download};
use super::transport::Transport;

/// The cached keys of one provider.
pub(super) struct IdTokenKeys {
    cached: ArcSwapOption<Fetched<KeySet>>,
    /// The least time between two downloads when a token names an unknown key.
    refetch: Duration,
}

impl IdTokenKeys {
    pub(super) fn new(refetch: Duration) -> Self {
        Self { cached: ArcSwapOption::default(), refetch }
    }

    /// The claims of an ID token that is valid under the keys at `url`. They are downloaded again when the token names
    /// an unknown key. `now` is in seconds since 1970.
    pub(super) async fn verify(
        &self,
        transport: &Transport,
        url: &Url,
        token: &str,
        check: IdTokenCheck<'_>,
        now: u64,
    ) -> Result<Map<String, Value>, ProviderError> {
        let known = self.cached.load_full();
        if let Some(known) = &known {
            let verdict = check.verify(token, &known.value, now);
            let may_be_new = verdict == Err(IdTokenError::Token(TokenError::UnknownKey));
            let is_final = !may_be_new || !known.is_older_than(self.refetch);
            if is_final && !known.is_older_than(MAX_AGE) {
                return verdict.map_err(invalid);
            }
        }
        let downloaded = download(transport, url.clone()).await.and_then(|document| parse(&document));
        let keys = match (downloaded, known) {
            (Ok(value), _) => Arc::new(Fetched::now(value)),
            // Keys of an hour ago are better than refusing every user.
            (Err(_), Some(known)) => known,
            (Err(error), None) => return Err(error),
        };
        self.cached.store(Some(Arc::clone(&keys)));
        check.verify(token, &keys.value, now).map_err(invalid)
    }
}

fn parse(document: &Value) -> Result<KeySet, ProviderError> {
    let keys = KeySet::parse(document.to_string().as_bytes(), &Algorithm::ALL);
    let refused = keys.as_ref().map_or_else(|error| error.refused(), KeySet::refused);
    for key in refused {
        tracing::warn!(%key, "A key of an identity provider is not used.");
    }
    keys.map_err(|_| ProviderError::InvalidResponse("the key set has no usable key"))
}

fn invalid(error: IdTokenError) -> ProviderError {
    ProviderError::InvalidIdToken(error.to_string())
}
