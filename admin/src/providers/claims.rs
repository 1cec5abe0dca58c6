//! What a provider says about the owner of a token: the claims of the ID token, or the user info endpoint.

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use shared::token::IdTokenCheck;
use url::Url;

use super::client::Tokens;
use super::config::ProviderConfig;
use super::descriptor::UserRequest;
use super::error::ProviderError;
use super::id_token_keys::IdTokenKeys;
use super::metadata::ServerMetadata;
use super::transport::{ProviderResponse, Transport};

/// By how many seconds the provider's clock may differ from ours.
const CLOCK_SKEW: u64 = 60;

/// The requests for one user's claims.
pub(super) struct UserRequests<'r> {
    pub(super) config: &'r ProviderConfig,
    pub(super) metadata: &'r ServerMetadata,
    pub(super) transport: &'r Transport,
    pub(super) tokens: &'r Tokens,
}

impl UserRequests<'_> {
    /// The claims of the ID token, and, when they contain no address, those of the user info endpoint about the same
    /// subject.
    pub(super) async fn id_token_claims(
        &self,
        keys: &IdTokenKeys,
        keys_url: &Url,
        nonce: &str,
        now: u64,
    ) -> Result<Value, ProviderError> {
        let token = self.tokens.id().ok_or(ProviderError::InvalidResponse("the ID token is missing"))?;
        let issuers: Vec<&str> = self.metadata.issuers.iter().map(String::as_str).collect();
        let client = &self.config.client_id;
        let check = IdTokenCheck { issuers: &issuers, client, nonce, leeway: CLOCK_SKEW };
        let mut claims = keys.verify(self.transport, keys_url, token, check, now).await?;
        if claims.get("email").is_none() && self.metadata.endpoints.user.is_some() {
            add_user_info(&mut claims, &self.user_info().await?)?;
        }
        Ok(Value::Object(claims))
    }

    /// The response of the user info endpoint, with that of the second request where the provider needs one.
    pub(super) async fn user_info(&self) -> Result<Value, ProviderError> {
        let endpoints = &self.metadata.endpoints;
        let Some(url) = &endpoints.user else {
            return Err(ProviderError::InvalidResponse("there is no user info endpoint"));
        };
        let mut user = self.get(url).await?.json()?;
        let second = self.config.descriptor.second_request.as_ref().zip(endpoints.second.as_ref());
        if let Some((second, url)) = second {
            let response = self.get(url).await?;
            let exists = response.status != http::StatusCode::NOT_FOUND;
            (second.merge)(&mut user, &if exists { response.json()? } else { Value::Null });
        }
        Ok(user)
    }

    /// A request with the access token, which is sent in the way that the provider expects.
    async fn get(&self, url: &Url) -> Result<ProviderResponse, ProviderError> {
        let (client, token) = (self.transport.client(), self.tokens.access());
        let mut url = url.clone();
        if self.config.descriptor.proves_secret {
            let proof = self.config.client_secret.as_ref().map(|secret| proof(secret, token));
            url.query_pairs_mut().append_pair("appsecret_proof", &proof.unwrap_or_default());
        }
        let request = match self.config.descriptor.user_request {
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
                form.append_pair("client_id", &self.config.client_id).append_pair("access_token", token);
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
