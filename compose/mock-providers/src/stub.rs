//! One provider as data: its paths, what it requires, and how it responds.
//!
//! The code that all providers share is in `authorize` and `exchange`; their differences are in [`crate::stubs`], a file each.

use serde_json::Value;

use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::params::Params;
use crate::person::Person;
use crate::pkce::Pkce;
use crate::provider::Provider;
use crate::reply::Reply;
use crate::request::Request;
use crate::store::Code;
use crate::token_error::TokenError;

/// One provider.
pub(crate) struct Stub {
    pub(crate) provider: Provider,
    /// Its name for people.
    pub(crate) title: &'static str,
    /// Its paths after `/{provider}`: those of the real provider.
    pub(crate) paths: &'static [(&'static str, Endpoint)],
    pub(crate) scopes: Scopes,
    pub(crate) pkce: Pkce,
    pub(crate) client_auth: ClientAuth,
    /// The required parameters of the token endpoint.
    pub(crate) required: &'static [&'static str],
    /// Whether the callback has a `device_id`, which the token request must repeat.
    pub(crate) device: bool,
    /// Further checks of an authorization request.
    pub(crate) inspect: fn(&Params) -> Result<(), String>,
    /// The parameters that it adds to a callback, beside `code` or `error`, and `state`.
    pub(crate) callback: fn(&Callback<'_>) -> Vec<(&'static str, String)>,
    /// Its successful token response.
    pub(crate) grant: fn(&Context<'_>, &Grant<'_>) -> Reply,
    /// Its token error response.
    pub(crate) refuse: fn(&Request, &TokenError) -> Reply,
    /// Its user info endpoint.
    pub(crate) user: fn(&Context<'_>) -> Reply,
}

/// The scopes of a provider.
pub(crate) struct Scopes {
    pub(crate) separator: char,
    pub(crate) known: &'static [&'static str],
    /// Granted when the request names none.
    pub(crate) default: &'static [&'static str],
}

/// How a client may authenticate at the token endpoint.
pub(crate) struct ClientAuth {
    pub(crate) basic: bool,
    pub(crate) body: bool,
    /// Whether `client_id` alone is enough.
    pub(crate) public: bool,
}

/// The parts that a callback is made from.
pub(crate) struct Callback<'a> {
    pub(crate) cx: &'a Context<'a>,
    pub(crate) scopes: &'a [String],
    pub(crate) device: Option<&'a str>,
    pub(crate) refused: bool,
}

/// A valid token request.
pub(crate) struct Grant<'a> {
    pub(crate) token: String,
    pub(crate) code: Code,
    pub(crate) person: Person,
    pub(crate) form: &'a Params,
}

impl Stub {
    /// The endpoint of a path.
    pub(crate) fn endpoint(&self, path: &str) -> Option<Endpoint> {
        let own = [("/_decide", Endpoint::Decide), ("/_elsewhere", Endpoint::Elsewhere)];
        self.paths.iter().chain(&own).find(|(known, _)| *known == path).map(|(_, endpoint)| *endpoint)
    }
}

impl Scopes {
    /// The requested scopes.
    pub(crate) fn parse(&self, scope: Option<&str>) -> Result<Vec<String>, String> {
        let Some(scope) = scope else {
            return Ok(self.default.iter().map(|one| (*one).to_owned()).collect());
        };
        let between = if self.separator == ' ' { "spaces" } else { "commas" };
        scope
            .split(self.separator)
            .map(|one| match self.known.contains(&one) {
                true => Ok(one.to_owned()),
                false => Err(format!(
                    "unknown scope {one:?}; the known scopes, separated by {between}, are {:?}",
                    self.known
                )),
            })
            .collect()
    }
}

/// Removes `null` members: for responses with optional fields.
pub(crate) fn present(value: Value) -> Value {
    match value {
        Value::Object(members) => members.into_iter().filter(|(_, member)| !member.is_null()).collect(),
        other => other,
    }
}
