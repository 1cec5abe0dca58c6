//! An authorization request (RFC 6749, section 4.1.1), read as a strict provider reads it.

use crate::visit::{TOKENS, Visit};
use crate::{Provider, Trouble};

/// What a browser must never carry, beside tokens.
const SECRETS: &[&str] = &["client_secret", "code_verifier", "password"];

/// A good authorization request.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) provider: Provider,
    pub(crate) client: String,
    pub(crate) redirect_uri: String,
    pub(crate) state: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: Option<String>,
}

impl Ask {
    /// Reads the query, or says exactly what is wrong with it.
    pub(crate) fn read(visit: &Visit<'_>) -> Result<Self, String> {
        let query = visit.request.query().map_err(|why| why.to_string())?;
        if let Some(name) = query.any_of(SECRETS).or_else(|| query.any_of(TOKENS)) {
            return Err(format!("{name} stands in the address; a secret never goes through the browser"));
        }
        let wanted = |name: &str| query.get(name).ok_or_else(|| format!("{name} is missing"));
        let id = wanted("client_id")?;
        let provider = visit.play.provider;
        let client = visit.world.client(provider, id);
        let client = client.ok_or_else(|| format!("client_id {id:?} is not registered with {provider}"))?;
        let redirect_uri = wanted("redirect_uri")?;
        if !client.redirect_uris.iter().any(|known| known == redirect_uri) {
            return Err(format!("redirect_uri {redirect_uri:?} is not, byte for byte, a registered one"));
        }
        match wanted("response_type")? {
            "code" => {}
            other => return Err(format!("response_type is {other:?}; code is wanted")),
        }
        let state = wanted("state")?;
        let challenge = visit.play.pkce.challenge(&query)?;
        let mut scopes = visit.play.scopes.parse(query.get("scope"))?;
        if let Some(more) = query.get("optional_scope") {
            scopes.extend(visit.play.scopes.parse(Some(more))?);
        }
        (visit.play.inspect)(&query)?;
        Ok(Self {
            provider,
            client: client.id,
            redirect_uri: redirect_uri.to_owned(),
            state: state.to_owned(),
            scopes,
            nonce: query.get("nonce").map(str::to_owned),
            challenge,
        })
    }

    /// The state that the callback carries.
    pub(crate) fn state_in_callback(&self, visit: &Visit<'_>) -> String {
        if visit.has(Trouble::WrongStateCallback) {
            return crate::random::word();
        }
        self.state.clone()
    }
}
