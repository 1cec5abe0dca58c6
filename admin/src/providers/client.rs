//! Our OAuth client at one provider, by the `oauth2` crate: what it sends, and the tokens that it receives (RFC 6749,
//! section 4.1).

use std::fmt;
use std::time::Duration;

use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AccessToken, AuthType, AuthUrl, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    RedirectUrl, RefreshToken, Scope, StandardRevocableToken, TokenResponse, TokenUrl,
};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use url::Url;

use super::config::ProviderConfig;
use super::descriptor::ClientAuth;
use super::metadata::ServerMetadata;

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

/// Our client at one provider, and the provider's metadata.
pub(super) struct OauthClient {
    pub(super) metadata: ServerMetadata,
    pub(super) oauth: StandardClient,
}

impl OauthClient {
    /// The client that `provider` knows us as; `redirect_uri` is where it sends browsers back to.
    pub(super) fn new(provider: &ProviderConfig, redirect_uri: &Url, metadata: ServerMetadata) -> Self {
        let mut oauth = oauth2::Client::new(ClientId::new(provider.client_id.clone()))
            .set_auth_type(match metadata.client_auth {
                ClientAuth::Basic => AuthType::BasicAuth,
                ClientAuth::Body | ClientAuth::Public => AuthType::RequestBody,
            })
            .set_auth_uri(AuthUrl::from_url(metadata.endpoints.authorize.clone()))
            .set_token_uri(TokenUrl::from_url(metadata.endpoints.token.clone()))
            .set_redirect_uri(RedirectUrl::from_url(redirect_uri.clone()));
        if let Some(secret) = &provider.client_secret {
            oauth = oauth.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
        }
        Self { metadata, oauth }
    }

    /// The URL of the authorization endpoint with `request`, which asks for `scopes`.
    pub(super) fn authorize_url(&self, scopes: &str, request: &AuthorizationRequest<'_>) -> Url {
        let state = CsrfToken::new(request.state.to_owned());
        let mut url = self
            .oauth
            .authorize_url(|| state)
            .add_scope(Scope::new(scopes.to_owned()))
            .add_extra_param("code_challenge", request.challenge)
            .add_extra_param("code_challenge_method", "S256");
        if self.metadata.endpoints.keys.is_some() {
            url = url.add_extra_param("nonce", request.nonce);
        }
        url.url().0
    }
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
    pub(super) fn repeats(&self, state: &str) -> bool {
        self.state.as_ref().is_some_and(|repeated| repeated.0 == state)
    }
}
