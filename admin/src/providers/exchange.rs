//! From a code to tokens (RFC 6749, section 4.1.3), by the `oauth2` crate, with what providers do otherwise.

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

use super::descriptor::ClientAuth;
use super::error::ProviderError;
use super::transport::Transport;
use crate::config::{Endpoints, ProviderConfig};

type Client = oauth2::Client<
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

/// What a person is sent to a provider with.
pub(crate) struct Question<'q> {
    /// Comes back with the answer.
    pub(crate) state: &'q str,
    /// Of the verifier that the code will be given with (RFC 7636, method S256).
    pub(crate) challenge: &'q str,
    /// Comes back in the ID token, where there is one.
    pub(crate) nonce: &'q str,
}

/// What a person comes back with, and what they were sent with.
pub(crate) struct Grant<'g> {
    /// What tokens are given for.
    pub(crate) code: &'g str,
    /// Proof that it was we who asked.
    pub(crate) verifier: &'g str,
    /// As it was sent.
    pub(crate) state: &'g str,
    /// As it was sent.
    pub(crate) nonce: &'g str,
    /// Whose answer it says it is (RFC 9207).
    pub(crate) issuer: Option<&'g str>,
    /// On which device the person answered, where the provider says so.
    pub(crate) device: Option<&'g str>,
}

/// What a code was given for. Nothing of it is kept.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Tokens {
    access_token: AccessToken,
    /// Mail.ru and VK ID leave it out, and a descriptor knows better how a token is shown.
    #[serde(skip_deserializing, default = "bearer")]
    token_type: BasicTokenType,
    id_token: Option<Hidden>,
    state: Option<Hidden>,
}

/// A text that does not print.
#[derive(Deserialize, Serialize)]
struct Hidden(String);

/// How we speak with one provider.
pub(super) struct Speaker<'s> {
    pub(super) provider: &'s ProviderConfig,
    pub(super) endpoints: &'s Endpoints,
    pub(super) auth: ClientAuth,
    pub(super) redirect: &'s str,
}

/// Our client, as the crate takes one.
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

    /// Whether the state was repeated as it was sent.
    fn repeats(&self, state: &str) -> bool {
        self.state.as_ref().is_some_and(|repeated| repeated.0 == state)
    }
}

impl Speaker<'_> {
    /// Where to send a person with `question`.
    pub(super) fn authorize(&self, question: &Question<'_>) -> Result<Url, ProviderError> {
        let client = self.client()?;
        let state = CsrfToken::new(question.state.to_owned());
        let mut request = client
            .authorize_url(|| state)
            .add_scope(Scope::new(self.provider.scopes.clone()))
            .add_extra_param("code_challenge", question.challenge)
            .add_extra_param("code_challenge_method", "S256");
        if self.endpoints.keys.is_some() {
            request = request.add_extra_param("nonce", question.nonce);
        }
        Ok(request.url().0)
    }

    /// Gives the code of `grant` for tokens.
    pub(super) async fn exchange(
        &self,
        transport: &Transport,
        grant: &Grant<'_>,
    ) -> Result<Tokens, ProviderError> {
        let descriptor = self.provider.descriptor;
        let client = self.client()?;
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
        // Boxed, because the compiler cannot prove of every caller's future otherwise that it may be sent.
        let tokens = request.request_async(&sender).boxed().await.map_err(|error| match error {
            RequestTokenError::Request(error) => error,
            // Their words may hold what was sent.
            RequestTokenError::ServerResponse(_)
            | RequestTokenError::Parse(..)
            | RequestTokenError::Other(_) => ProviderError::Nonsense("it holds no access token"),
        })?;
        if descriptor.repeats_state && !tokens.repeats(grant.state) {
            return Err(ProviderError::Nonsense("it answers another question"));
        }
        Ok(tokens)
    }

    fn client(&self) -> Result<Client, ProviderError> {
        let redirect = RedirectUrl::new(self.redirect.to_owned())
            .map_err(|_| ProviderError::Nonsense("there is no way back"))?;
        let mut client = oauth2::Client::new(ClientId::new(self.provider.client_id.clone()))
            .set_auth_type(match self.auth {
                ClientAuth::Basic => AuthType::BasicAuth,
                ClientAuth::Body | ClientAuth::Public => AuthType::RequestBody,
            })
            .set_auth_uri(AuthUrl::from_url(self.endpoints.authorize.clone()))
            .set_token_uri(TokenUrl::from_url(self.endpoints.token.clone()))
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

/// Sends what the crate has put together. Errors are taken out here, whatever their status, and so is a type of
/// content that is not quite what the standard asks for.
async fn send(transport: &Transport, request: HttpRequest) -> Result<HttpResponse, ProviderError> {
    let request = reqwest::Request::try_from(request)
        .map_err(|_| ProviderError::Nonsense("the question cannot be sent"))?;
    let answer = transport.send(request).await?;
    answer.json()?;
    Ok(HttpResponse::new(answer.body))
}
