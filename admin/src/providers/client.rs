//! Our OAuth client at one provider: authorization requests, codes exchanged for tokens (RFC 6749, section 4.1), and
//! tokens for what the provider says about their owner. By the `oauth2` crate, with the deviations of real providers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use futures_util::FutureExt as _;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AccessToken, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope,
    StandardRevocableToken, TokenResponse, TokenUrl,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::token::IdTokenCheck;
use url::Url;

use super::config::ProviderConfig;
use super::descriptor::{ClientAuth, UserRequest};
use super::error::ProviderError;
use super::id_token_keys::IdTokenKeys;
use super::metadata::ServerMetadata;
use super::transport::{ProviderResponse, Transport};

/// By how many seconds the provider's clock may differ from ours.
const CLOCK_SKEW: u64 = 60;

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

/// Our client at one provider.
pub(super) struct Client<'p> {
    pub(super) provider: &'p ProviderConfig,
    pub(super) metadata: Arc<ServerMetadata>,
    pub(super) redirect_uri: &'p str,
    pub(super) transport: &'p Transport,
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
    pub(super) async fn exchange(&self, grant: &CodeGrant<'_>) -> Result<Tokens, ProviderError> {
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
        // Boxed, because the compiler cannot otherwise prove of every caller's future that it is `Send`.
        let tokens = request.request_async(self.transport).boxed().await.map_err(|error| match error {
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

    /// The claims of the ID token, and, when they contain no address, those of the user info endpoint about the same
    /// subject.
    pub(super) async fn id_token_claims(
        &self,
        keys: &IdTokenKeys,
        keys_url: &Url,
        tokens: &Tokens,
        (nonce, now): (&str, u64),
    ) -> Result<Value, ProviderError> {
        let token = tokens.id().ok_or(ProviderError::InvalidResponse("the ID token is missing"))?;
        let issuers: Vec<&str> = self.metadata.issuers.iter().map(String::as_str).collect();
        let client = &self.provider.client_id;
        let check = IdTokenCheck { issuers: &issuers, client, nonce, leeway: CLOCK_SKEW };
        let mut claims = keys.verify(self.transport, keys_url, token, check, now).await?;
        if claims.get("email").is_none() && self.metadata.endpoints.user.is_some() {
            add_user_info(&mut claims, &self.user_info(tokens).await?)?;
        }
        Ok(Value::Object(claims))
    }

    /// The response of the user info endpoint, with that of the second request where the provider needs one.
    pub(super) async fn user_info(&self, tokens: &Tokens) -> Result<Value, ProviderError> {
        let endpoints = &self.metadata.endpoints;
        let Some(url) = &endpoints.user else {
            return Err(ProviderError::InvalidResponse("there is no user info endpoint"));
        };
        let mut user = self.get(url, tokens).await?.json()?;
        let second = self.provider.descriptor.second_request.as_ref().zip(endpoints.second.as_ref());
        if let Some((second, url)) = second {
            let response = self.get(url, tokens).await?;
            let exists = response.status != http::StatusCode::NOT_FOUND;
            (second.merge)(&mut user, &if exists { response.json()? } else { Value::Null });
        }
        Ok(user)
    }

    /// A request with the access token, which is sent in the way that the provider expects.
    async fn get(&self, url: &Url, tokens: &Tokens) -> Result<ProviderResponse, ProviderError> {
        let (client, token) = (self.transport.client(), tokens.access());
        let mut url = url.clone();
        if self.provider.descriptor.proves_secret {
            let proof = self.provider.client_secret.as_ref().map(|secret| proof(secret, token));
            url.query_pairs_mut().append_pair("appsecret_proof", &proof.unwrap_or_default());
        }
        let request = match self.provider.descriptor.user_request {
            UserRequest::Bearer => client.get(url).bearer_auth(token),
            UserRequest::OAuth => {
                client.get(url).header(http::header::AUTHORIZATION, format!("OAuth {token}"))
            }
            UserRequest::Query => {
                url.query_pairs_mut().append_pair("access_token", token);
                client.get(url)
            }
            UserRequest::Form => {
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                form.append_pair("client_id", &self.provider.client_id).append_pair("access_token", token);
                let form_type = "application/x-www-form-urlencoded";
                client.post(url).header(http::header::CONTENT_TYPE, form_type).body(form.finish())
            }
        };
        let request = request.header(http::header::ACCEPT, "application/json").build();
        let request = request
            .map_err(|_| ProviderError::InvalidResponse("the access token does not fit into a request"))?;
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
