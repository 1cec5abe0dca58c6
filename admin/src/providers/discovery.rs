//! Our client at an OpenID provider, by its discovery document, which is cached (OpenID Connect Discovery 1.0).

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use url::Url;

use super::client::OauthClient;
use super::config::ProviderConfig;
use super::error::ProviderError;
use super::fetched::{Fetched, MAX_AGE, download};
use super::metadata::ServerMetadata;
use super::transport::Transport;

/// One OpenID provider's discovery document.
pub(super) struct Discovery {
    issuer: String,
    cached: ArcSwapOption<Fetched<Arc<OauthClient>>>,
}

impl Discovery {
    pub(super) fn new(issuer: String) -> Self {
        Self { issuer, cached: ArcSwapOption::default() }
    }

    /// Our client at `provider`. The document is downloaded when the cached one is too old.
    pub(super) async fn client(
        &self,
        transport: &Transport,
        provider: &ProviderConfig,
        redirect_uri: &Url,
    ) -> Result<Arc<OauthClient>, ProviderError> {
        let known = self.cached.load_full();
        if let Some(fetched) = known.as_ref().filter(|fetched| !fetched.is_older_than(MAX_AGE)) {
            return Ok(Arc::clone(&fetched.value));
        }
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let url = url.parse().map_err(|_| ProviderError::InvalidResponse("the issuer is not a URL"))?;
        let downloaded = download(transport, url).await;
        match (downloaded.and_then(|document| ServerMetadata::parse(&document, &self.issuer)), known) {
            (Ok(metadata), _) => {
                let client = Arc::new(OauthClient::new(provider, redirect_uri, metadata));
                self.cached.store(Some(Arc::new(Fetched::now(Arc::clone(&client)))));
                Ok(client)
            }
            // Old metadata is better than refusing every user.
            (Err(_), Some(known)) => Ok(Arc::clone(&known.value)),
            (Err(error), None) => Err(error),
        }
    }
}
