//! One request at one provider: what an endpoint needs to answer it.

use hyper::StatusCode;
use hyper::header::WWW_AUTHENTICATE;
use serde_json::Value;

use crate::Trouble;
use crate::authorization;
use crate::params::{Malformed, Params};
use crate::play::Play;
use crate::reply::Reply;
use crate::request::Request;
use crate::world::{Holder, World};

/// Parameters that carry a token, which only Mail.ru takes from an address.
pub(crate) const TOKENS: &[&str] =
    &["access_token", "oauth_token", "token", "id_token", "refresh_token", "jwt_secret", "jwt"];

/// One request at one provider.
#[derive(Clone, Copy)]
pub(crate) struct Visit<'a> {
    pub(crate) world: &'a World,
    pub(crate) play: &'static Play,
    pub(crate) request: &'a Request,
    pub(crate) trouble: Option<Trouble>,
    /// Seconds since 1970.
    pub(crate) now: u64,
}

impl Visit<'_> {
    /// Whether the provider has that trouble now.
    pub(crate) fn has(&self, trouble: Trouble) -> bool {
        self.trouble == Some(trouble)
    }

    /// Whose token that is.
    pub(crate) fn holder(&self, token: &str) -> Option<Holder> {
        self.world.holder(self.now, self.play.provider, token)
    }

    /// Whose token the header brings in that scheme; `None` also when there is none.
    pub(crate) fn holder_by(&self, scheme: &str) -> Option<Holder> {
        self.holder(authorization::of_scheme(&self.request.headers, scheme)?)
    }

    /// The query of a request for user data, in which no token stands.
    pub(crate) fn query_without_token(&self) -> Result<Params, String> {
        let query = self.request.query().map_err(|why: Malformed| why.to_string())?;
        match query.any_of(TOKENS) {
            Some(name) => Err(format!("{name} stands in the address; a token is taken from a header only")),
            None => Ok(query),
        }
    }
}

/// 401 with a challenge for that scheme.
pub(crate) fn unauthorized(challenge: &'static str, body: &Value) -> Reply {
    Reply::json(StatusCode::UNAUTHORIZED, body).with(WWW_AUTHENTICATE, challenge)
}
