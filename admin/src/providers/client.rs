//! Our OAuth client at one provider: authorization requests, and codes exchanged for tokens (RFC 6749, section 4.1), by
//! the `oauth2` crate, with the deviations of real providers.

use std::fmt;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AccessToken, AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, Scope, StandardRevocableToken, TokenResponse, TokenUrl,
};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use url::Url;

use super::config::ProviderConfig;
use super::descriptor::ClientAuth;
use super::error::ProviderError;
use super::metadata::ServerMetadata;
use super::transport::Transport;

type StandardClient = oauth2::Client<
    BasicErrorResponse,
    Tokens,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// The parameters of an authorization request that are new each time.
pub(crate) struct AuthorizationRequest<'q> {
    /// Returned unchanged in the response.
    pub(crate) state: &'q str,
    /// The challenge of the verifier that is sent with the code later (RFC 7636, method S256).
    pub(crate) challenge: &'q str,
    /// Returned in the ID token, where there is one.
    pub(crate) nonce: &'q str,
}

/// An authorization code, with what proves that it answers our request.
pub(crate) struct CodeGrant<'g> {
    /// The code, which is exchanged for tokens.
    pub(crate) code: &'g str,
    /// The PKCE verifier: proof that we sent the request.
    pub(crate) verifier: &'g str,
    /// As it was sent.
    pub(crate) state: &'g str,
    /// As it was sent.
    pub(crate) nonce: &'g str,
    /// The `iss` of the response, where it has one (RFC 9207).
    pub(crate) issuer: Option<&'g str>,
    /// The `device_id` of the response, where it has one.
    pub(crate) device: Option<&'g str>,
}

/// The tokens that a code was exchanged for. None of them is stored.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Tokens {
    access_token: AccessToken,
    /// Mail.ru and VK ID omit it, and the descriptor knows how a token is sent.
    #[serde(skip_deserializing, default = "bearer")]
    token_type: BasicTokenType,
    id_token: Option<Hidden>,
    state: Option<Hidden>,
}

/// A text whose `Debug` prints nothing.
#[derive(Deserialize, Serialize)]
struct Hidden(String);

/// Our client at one provider.
pub(super) struct Client<'p> {
    pub(super) provider: &'p ProviderConfig,
    pub(super) metadata: &'p ServerMetadata,
    pub(super) redirect_uri: &'p str,
}

/// Our transport, as the crate takes one.
struct Sender<'s> {
    transport: &'s Transport,
}

fn bearer() -> BasicTokenType {
    BasicTokenType::Bearer
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

impl TokenResponse for Tokens {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        None
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        None
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

impl Tokens {
    pub(super) fn access(&self) -> &str {
        self.access_token.secret()
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.id_token.as_ref().map(|token| token.0.as_str())
    }

    /// Whether the response repeats the state that was sent.
    fn repeats(&self, state: &str) -> bool {
        self.state.as_ref().is_some_and(|repeated| repeated.0 == state)
    }
}

impl Client<'_> {
    /// The URL of the authorization endpoint with `request`.
    pub(super) fn authorize_url(&self, request: &AuthorizationRequest<'_>) -> Result<Url, ProviderError> {
        let client = self.standard()?;
        let state = CsrfToken::new(request.state.to_owned());
        let mut url = client
            .authorize_url(|| state)
            .add_scope(Scope::new(self.provider.scopes.clone()))
            .add_extra_param("code_challenge", request.challenge)
            .add_extra_param("code_challenge_method", "S256");
        if self.metadata.endpoints.keys.is_some() {
            url = url.add_extra_param("nonce", request.nonce);
        }
        Ok(url.url().0)
    }

    /// Exchanges the code of `grant` for tokens.
    pub(super) async fn exchange(
        &self,
        transport: &Transport,
        grant: &CodeGrant<'_>,
    ) -> Result<Tokens, ProviderError> {
        let descriptor = self.provider.descriptor;
        let client = self.standard()?;
        let mut request = client
            .exchange_code(AuthorizationCode::new(grant.code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(grant.verifier.to_owned()));
        if let Some(device) = grant.device.filter(|_| descriptor.needs_device) {
            request = request.add_extra_param("device_id", device);
        }
        if descriptor.repeats_state {
            request = request.add_extra_param("state", grant.state);
        }
        let sender = Sender { transport };
        // Boxed, because the compiler cannot otherwise prove of every caller's future that it is `Send`.
        let tokens = request.request_async(&sender).boxed().await.map_err(|error| match error {
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

    fn standard(&self) -> Result<StandardClient, ProviderError> {
        let redirect = RedirectUrl::new(self.redirect_uri.to_owned())
            .map_err(|_| ProviderError::InvalidResponse("invalid redirect URI"))?;
        let mut client = oauth2::Client::new(ClientId::new(self.provider.client_id.clone()))
            .set_auth_type(match self.metadata.client_auth {
                ClientAuth::Basic => AuthType::BasicAuth,
                ClientAuth::Body | ClientAuth::Public => AuthType::RequestBody,
            })
            .set_auth_uri(AuthUrl::from_url(self.metadata.endpoints.authorize.clone()))
            .set_token_uri(TokenUrl::from_url(self.metadata.endpoints.token.clone()))
            .set_redirect_uri(redirect);
        if let Some(secret) = &self.provider.client_secret {
            client = client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
        }
        Ok(client)
    }
}

impl<'c> AsyncHttpClient<'c> for Sender<'_> {
    type Error = ProviderError;
    type Future = BoxFuture<'c, Result<HttpResponse, ProviderError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        send(self.transport, request).boxed()
    }
}

/// Sends what the crate has built. Errors are recognised here, whatever their status, and a content type that
/// deviates from the standard is ignored.
async fn send(transport: &Transport, request: HttpRequest) -> Result<HttpResponse, ProviderError> {
    let request = reqwest::Request::try_from(request)
        .map_err(|_| ProviderError::InvalidResponse("the token request cannot be built"))?;
    let response = transport.send(request).await?;
    response.json()?;
    Ok(HttpResponse::new(response.body))
}
