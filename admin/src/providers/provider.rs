//! One configured provider: sends browsers to it and identifies the users who return, within limits.

use std::sync::{Arc, OnceLock};

use tokio::time::Instant;
use url::Url;

use super::breaker::Breaker;
use super::client::{AuthorizationRequest, Client, CodeGrant};
use super::config::{Limits, Location, ProviderConfig, ProvidersConfig};
use super::discovery::Discovery;
use super::error::ProviderError;
use super::id_token_keys::IdTokenKeys;
use super::identity::Identity;
use super::metadata::ServerMetadata;
use super::paths::ProviderPaths;
use super::transport::Transport;

/// One provider.
pub(crate) struct Provider {
    config: ProviderConfig,
    login_path: String,
    redirect_uri: String,
    limits: Limits,
    /// Set once the HTTP client has been created.
    transport: Arc<OnceLock<Transport>>,
    metadata: Metadata,
    keys: IdTokenKeys,
    breaker: Breaker,
}

/// Where a provider's metadata comes from.
enum Metadata {
    Configured(Arc<ServerMetadata>),
    Discovered(Discovery),
}

impl Provider {
    pub(super) fn new(
        config: &ProviderConfig,
        all: &ProvidersConfig,
        paths: &ProviderPaths,
        transport: Arc<OnceLock<Transport>>,
    ) -> Self {
        let metadata = match &config.location {
            Location::Endpoints(endpoints) => {
                Metadata::Configured(Arc::new(ServerMetadata::configured(config.descriptor, endpoints)))
            }
            Location::Issuer(issuer) => Metadata::Discovered(Discovery::new(issuer.clone())),
        };
        Self {
            config: config.clone(),
            login_path: paths.login_of(&config.id),
            redirect_uri: format!("{}{}", all.public_url, paths.callback_of(&config.id)),
            limits: all.limits,
            transport,
            metadata,
            keys: IdTokenKeys::new(all.limits.key_refetch),
            breaker: Breaker::new(config.id.clone()),
        }
    }

    /// Its name in paths and tables.
    pub(crate) fn id(&self) -> &str {
        &self.config.id
    }

    /// Its name for people.
    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }

    /// The path where a browser starts to sign in through it.
    pub(crate) fn login_path(&self) -> String {
        self.login_path.clone()
    }

    /// Whether its callback must carry a `device_id`.
    pub(crate) fn needs_device(&self) -> bool {
        self.config.descriptor.needs_device
    }

    /// The URL to which a browser is sent with `request`.
    ///
    /// # Errors
    ///
    /// When the circuit breaker is open, or the provider's metadata cannot be downloaded.
    pub(crate) async fn authorize_url(
        &self,
        request: &AuthorizationRequest<'_>,
    ) -> Result<Url, ProviderError> {
        let client = match &self.metadata {
            // Sends nothing, so it must not take the breaker's trial.
            Metadata::Configured(_) => {
                self.breaker.check(Instant::now()).map_err(ProviderError::CircuitOpen)?;
                self.client().await?
            }
            Metadata::Discovered(_) => self.breaker.run(self.limits.identification, self.client()).await?,
        };
        client.authorize_url(request)
    }

    /// The user who returned with `grant`: exchanges the code for tokens, and these for the user's claims. `now` is in
    /// seconds since 1970.
    ///
    /// # Errors
    ///
    /// When the provider does not identify the user, in time and in a valid form.
    pub(crate) async fn identify(&self, grant: &CodeGrant<'_>, now: u64) -> Result<Identity, ProviderError> {
        let identify = async {
            let client = self.client().await?;
            client.metadata.check_issuer(grant.issuer)?;
            let tokens = client.exchange(grant).await?;
            let claims = match &client.metadata.endpoints.keys {
                Some(url) => client.id_token_claims(&self.keys, url, &tokens, (grant.nonce, now)).await?,
                None => client.user_info(&tokens).await?,
            };
            Identity::read(&self.config, &claims)
        };
        self.breaker.run(self.limits.identification, identify).await
    }

    /// Our client, with the provider's metadata, which are downloaded where they are not configured.
    async fn client(&self) -> Result<Client<'_>, ProviderError> {
        // Created before the service listens, see `Providers::prepare`.
        let transport = self.transport.get();
        let transport =
            transport.ok_or_else(|| ProviderError::Unreachable("there is no HTTP client".to_owned()))?;
        let metadata = match &self.metadata {
            Metadata::Configured(metadata) => Arc::clone(metadata),
            Metadata::Discovered(discovery) => discovery.metadata(transport).await?,
        };
        Ok(Client { provider: &self.config, metadata, redirect_uri: &self.redirect_uri, transport })
    }
}
