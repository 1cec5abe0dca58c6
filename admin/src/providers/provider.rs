//! One configured provider: sends browsers to it and identifies the users who return, within limits.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use futures_util::FutureExt as _;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use oauth2::{AuthorizationCode, PkceCodeVerifier, RequestTokenError};
use reqwest::{Method, Request};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use shared::token::IdTokenCheck;
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded::Serializer;

use super::breaker::Breaker;
use super::client::{AuthorizationRequest, CodeGrant, OauthClient, Tokens};
use super::config::{Limits, Location, ProviderConfig};
use super::descriptor::UserRequest;
use super::discovery::Discovery;
use super::error::ProviderError;
use super::id_token_keys::IdTokenKeys;
use super::identity::Identity;
use super::metadata::ServerMetadata;
use super::microsoft;
use super::paths::ProviderPaths;
use super::transport::Transport;

/// By how many seconds the provider's clock may differ from ours.
const CLOCK_SKEW: u64 = 60;

/// How many entries of a list are on a page, and how many pages are requested at most.
const PAGE: usize = 100;
const MAX_PAGES: usize = 5;

/// One provider.
pub(crate) struct Provider {
    config: ProviderConfig,
    login_path: String,
    redirect_uri: Url,
    limits: Limits,
    transport: Transport,
    source: Source,
    keys: IdTokenKeys,
    breaker: Breaker,
}

/// Where the metadata of our client come from.
enum Source {
    Configured(Arc<OauthClient>),
    Discovered(Discovery),
}

impl Provider {
    pub(super) fn new(
        config: &ProviderConfig,
        limits: Limits,
        paths: &ProviderPaths,
        transport: Transport,
    ) -> Self {
        let mut redirect_uri = config.public_url.clone();
        redirect_uri.set_path(&paths.callback_of(&config.id));
        let source = match &config.location {
            Location::Endpoints(endpoints) => {
                let metadata = ServerMetadata::configured(config.descriptor, endpoints);
                Source::Configured(Arc::new(OauthClient::new(config, &redirect_uri, metadata)))
            }
            Location::Issuer(issuer) => Source::Discovered(Discovery::new(issuer.clone())),
        };
        Self {
            config: config.clone(),
            login_path: paths.login_of(&config.id),
            redirect_uri,
            limits,
            transport,
            source,
            keys: IdTokenKeys::new(limits.key_refetch),
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

    /// For how long nothing is sent to it, because it did not respond; `None` if requests are sent.
    pub(crate) fn paused_for(&self) -> Option<Duration> {
        self.breaker.check(Instant::now()).err()
    }

    /// The addresses of the mailbox of `email`, which is in lower case, as far as this provider knows: itself first.
    pub(crate) fn same_mailbox(&self, email: &str) -> Vec<String> {
        self.config.descriptor.mail.same_mailbox(email)
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
        let client = match &self.source {
            // Sends nothing, so it must not take the breaker's trial.
            Source::Configured(client) => {
                self.breaker.check(Instant::now()).map_err(ProviderError::CircuitOpen)?;
                Arc::clone(client)
            }
            Source::Discovered(discovery) => {
                let download = discovery.client(&self.transport, &self.config, &self.redirect_uri);
                self.breaker.run(self.limits.identification, download).await?
            }
        };
        Ok(client.authorize_url(&self.config.scopes, request))
    }

    /// The user who returned with `grant`: exchanges the code for tokens, and these for the user's claims. `now` is in
    /// seconds since 1970.
    ///
    /// # Errors
    ///
    /// When the provider does not identify the user, in time and in a valid form.
    pub(crate) async fn identify(&self, grant: &CodeGrant<'_>, now: u64) -> Result<Identity, ProviderError> {
        let identify = async {
            let client = match &self.source {
                Source::Configured(client) => Arc::clone(client),
                Source::Discovered(discovery) => {
                    discovery.client(&self.transport, &self.config, &self.redirect_uri).await?
                }
            };
            if !client.metadata.may_send(grant.issuer) {
                let why = "issuer mismatch in the authorization response";
                return Err(ProviderError::InvalidResponse(why));
            }
            let tokens = self.exchange(&client, grant).await?;
            let claims = match &client.metadata.endpoints.keys {
                Some(keys) => self.id_token_claims(&client, keys, &tokens, (grant.nonce, now)).await?,
                None => self.user_info(&client, &tokens).await?,
            };
            Identity::read(&self.config, &claims)
        };
        self.breaker.run(self.limits.identification, identify).await
    }

    /// Exchanges the code of `grant` for tokens.
    async fn exchange(&self, client: &OauthClient, grant: &CodeGrant<'_>) -> Result<Tokens, ProviderError> {
        let descriptor = self.config.descriptor;
        let mut request = client
            .oauth
            .exchange_code(AuthorizationCode::new(grant.code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(grant.verifier.to_owned()));
        if let Some(device) = grant.device.filter(|_| descriptor.needs_device) {
            request = request.add_extra_param("device_id", device);
        }
        if descriptor.repeats_state {
            request = request.add_extra_param("state", grant.state);
        }
        // Boxed, because the compiler cannot otherwise prove of every caller's future that it is `Send`.
        let tokens = request.request_async(&self.transport).boxed().await.map_err(|error| match error {
            RequestTokenError::Request(error) => error,
            // Their texts may contain what was sent.
            RequestTokenError::ServerResponse(_)
            | RequestTokenError::Parse(..)
            | RequestTokenError::Other(_) => ProviderError::InvalidResponse("the access token is missing"),
        })?;
        if descriptor.repeats_state && !tokens.repeats(grant.state) {
            return Err(ProviderError::InvalidResponse("state mismatch in the token response"));
        }
        Ok(tokens)
    }

    /// The claims of the ID token, and, when they contain no address, those of the user info endpoint about the same
    /// subject. `nonce` is that of the authorization request.
    async fn id_token_claims(
        &self,
        client: &OauthClient,
        keys: &Url,
        tokens: &Tokens,
        (nonce, now): (&str, u64),
    ) -> Result<Value, ProviderError> {
        let token = tokens.id().ok_or(ProviderError::InvalidResponse("the ID token is missing"))?;
        let metadata = &client.metadata;
        let of_tenant = metadata.template.as_deref().map(|template| microsoft::issuer_of(template, token));
        let (issuers, tenant) = match of_tenant {
            None => (metadata.issuers.clone(), None),
            Some(Some((issuer, tenant))) => (vec![issuer], Some(tenant)),
            Some(None) => return Err(ProviderError::InvalidResponse("the ID token does not name a tenant")),
        };
        let issuers: Vec<&str> = issuers.iter().map(String::as_str).collect();
        let of_key = metadata.key_issuers(&issuers);
        let check = IdTokenCheck {
            issuers: &issuers,
            key_issuers: of_key.as_deref(),
            client: &self.config.client_id,
            nonce,
            leeway: CLOCK_SKEW,
        };
        let mut claims = self.keys.verify(&self.transport, keys, token, check, now).await?;
        if claims.get("email").is_none() && metadata.endpoints.user.is_some() {
            add_user_info(&mut claims, &self.user_info(client, tokens).await?)?;
        }
        if let Some(tenant) = tenant {
            microsoft::within(&tenant, &mut claims);
        }
        Ok(Value::Object(claims))
    }

    /// The response of the user info endpoint, with the list where the provider has one.
    async fn user_info(&self, client: &OauthClient, tokens: &Tokens) -> Result<Value, ProviderError> {
        let endpoints = &client.metadata.endpoints;
        let Some(url) = &endpoints.user else {
            return Err(ProviderError::InvalidResponse("there is no user info endpoint"));
        };
        let mut user = self.get(url.clone(), tokens).await?;
        let Some((list, url)) = self.config.descriptor.list.as_ref().zip(endpoints.list.as_ref()) else {
            return Ok(user);
        };
        let mut entries = Vec::new();
        for page in 1..=MAX_PAGES {
            let (mut url, size, page) = (url.clone(), PAGE.to_string(), page.to_string());
            url.query_pairs_mut().append_pair("per_page", &size).append_pair("page", &page);
            let more = match self.get(url, tokens).await {
                Ok(Value::Array(more)) => more,
                Ok(_) => {
                    return Err(ProviderError::InvalidResponse(
                        "the list of e-mail addresses is not an array",
                    ));
                }
                // The user, or the owner of the application there, did not allow it.
                Err(ProviderError::Status(403 | 404)) => break,
                Err(error) => return Err(error),
            };
            let is_last = more.len() < PAGE;
            entries.extend(more);
            if is_last {
                break;
            }
        }
        (list.merge)(&mut user, &entries);
        Ok(user)
    }

    /// A request with the access token, which is sent in the way that the provider expects.
    async fn get(&self, mut url: Url, tokens: &Tokens) -> Result<Value, ProviderError> {
        let (descriptor, token) = (self.config.descriptor, tokens.access());
        if descriptor.proves_secret {
            let proof = self.config.client_secret.as_ref().map(|secret| proof(secret, token));
            url.query_pairs_mut().append_pair("appsecret_proof", &proof.unwrap_or_default());
        }
        let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        let mut form = None;
        let scheme = match descriptor.user_request {
            UserRequest::Bearer => Some("Bearer"),
            UserRequest::OAuth => Some("OAuth"),
            UserRequest::Query => {
                url.query_pairs_mut().append_pair("access_token", token);
                None
            }
            UserRequest::Form => {
                let pairs = [("client_id", self.config.client_id.as_str()), ("access_token", token)];
                form = Some(Serializer::new(String::new()).extend_pairs(pairs).finish());
                let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
                headers.insert(CONTENT_TYPE, form_type);
                None
            }
        };
        if let Some(scheme) = scheme {
            let mut value = HeaderValue::try_from(format!("{scheme} {token}"))
                .map_err(|_| ProviderError::InvalidResponse("the access token does not fit into a header"))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let mut request = Request::new(if form.is_some() { Method::POST } else { Method::GET }, url);
        *request.headers_mut() = headers;
        *request.body_mut() = form.map(Into::into);
        self.transport.send(request).await
    }
}

/// Adds the claims of the user info endpoint that the ID token lacks.
fn add_user_info(claims: &mut Map<String, Value>, user: &Value) -> Result<(), ProviderError> {
    if user.get("sub") != claims.get("sub") {
        return Err(ProviderError::InvalidResponse("subject mismatch between ID token and user info"));
    }
    // Whether an address is verified must come from the same place as the address.
    for about_the_address in ["email_verified", "hd"] {
        claims.remove(about_the_address);
    }
    for (name, value) in user.as_object().into_iter().flatten() {
        claims.entry(name.clone()).or_insert_with(|| value.clone());
    }
    Ok(())
}

/// Proves that the sender of `token` has our client secret too, in hexadecimal.
fn proof(secret: &SecretString, token: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    hmac::sign(&key, token.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
