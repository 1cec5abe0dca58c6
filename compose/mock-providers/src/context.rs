//! One request to one provider: what an endpoint needs to answer it.

use hyper::StatusCode;
use hyper::header::WWW_AUTHENTICATE;
use serde_json::Value;

use crate::authorization_header;
use crate::fault::Fault;
use crate::params::{Malformed, Params};
use crate::provider::Provider;
use crate::reply::Reply;
use crate::request::Request;
use crate::store::{Store, TokenHolder};

/// Parameters that carry a token. Only Mail.ru accepts one in a URL.
pub(crate) const TOKENS: &[&str] =
    &["access_token", "oauth_token", "token", "id_token", "refresh_token", "jwt_secret", "jwt"];

/// One request to one provider.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) store: &'a Store,
    pub(crate) provider: Provider,
    pub(crate) request: &'a Request,
    pub(crate) fault: Option<Fault>,
    /// Seconds since 1970.
    pub(crate) now: u64,
}

impl Context<'_> {
    /// Whether the provider has this fault now.
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// The holder of a token.
    pub(crate) fn holder(&self, token: &str) -> Option<TokenHolder> {
        self.store.holder(self.now, self.provider, token)
    }

    /// The holder of the token in the header, if it has this scheme.
    pub(crate) fn holder_by(&self, scheme: &str) -> Option<TokenHolder> {
        self.holder(authorization_header::of_scheme(&self.request.headers, scheme)?)
    }

    /// The query of a request for user data, which must not contain a token.
    pub(crate) fn query_without_token(&self) -> Result<Params, String> {
        let query = self.request.query().map_err(|why: Malformed| why.to_string())?;
        match query.any_of(TOKENS) {
            Some(name) => Err(format!("the URL contains {name}; a token must be in a header")),
            None => Ok(query),
        }
    }
}

/// 401 with a challenge.
pub(crate) fn unauthorized(challenge: &'static str, body: &Value) -> Reply {
    Reply::json(StatusCode::UNAUTHORIZED, body).with(WWW_AUTHENTICATE, challenge)
}
