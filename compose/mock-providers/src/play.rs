//! A provider as data: its paths, what it wants, and how it answers.
//!
//! What all have in common stands in `ask`, `authorize`, `exchange`; a file below has what one does its own way.

use serde_json::Value;

use crate::params::Params;
use crate::pkce::Pkce;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::request::Request;
use crate::visit::Visit;
use crate::world::Code;
use crate::{Person, Provider};

mod facebook;
pub(crate) mod github;
pub(crate) mod google;
mod mailru;
mod vk;
mod x;
mod yandex;

/// What a path of a provider is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// Where a browser is sent.
    Authorize,
    /// Where the page of that sends what its reader chose.
    Decide,
    /// Where a code is exchanged.
    Token,
    /// Where the user data are.
    User,
    /// Where GitHub has the addresses.
    Emails,
    /// Where Google has its keys.
    Keys,
    /// Where Google describes itself.
    Discovery,
    /// Where redirects lead that nobody shall follow.
    Elsewhere,
}

/// A provider.
pub(crate) struct Play {
    pub(crate) provider: Provider,
    /// How it calls itself.
    pub(crate) title: &'static str,
    /// Its paths after `/{provider}`, as the real one has them after its host.
    pub(crate) paths: &'static [(&'static str, Endpoint)],
    pub(crate) scopes: Scopes,
    pub(crate) pkce: Pkce,
    pub(crate) credentials: Credentials,
    /// Parameters without which no code is exchanged.
    pub(crate) required: &'static [&'static str],
    /// Whether the callback names a device, which the exchange must name again.
    pub(crate) device: bool,
    /// What else it wants of an authorization request.
    pub(crate) inspect: fn(&Params) -> Result<(), String>,
    /// What it adds to a callback; the error's description and `state` are already there.
    pub(crate) callback: fn(&Callback<'_>) -> Vec<(&'static str, String)>,
    /// How it answers an exchange.
    pub(crate) grant: fn(&Visit<'_>, &Grant<'_>) -> Reply,
    /// How it refuses one.
    pub(crate) refuse: fn(&Request, &Refusal) -> Reply,
    /// How it answers whoever asks for the user data.
    pub(crate) user: fn(&Visit<'_>) -> Reply,
}

/// How a provider reads `scope`.
pub(crate) struct Scopes {
    pub(crate) separator: char,
    pub(crate) known: &'static [&'static str],
    /// What is granted when nothing was asked for.
    pub(crate) default: &'static [&'static str],
}

/// How a client says who it is at the token endpoint.
pub(crate) struct Credentials {
    pub(crate) basic: bool,
    pub(crate) body: bool,
    /// Whether `client_id` alone will do.
    pub(crate) public: bool,
}

/// What a callback may speak of.
pub(crate) struct Callback<'a> {
    pub(crate) visit: &'a Visit<'a>,
    pub(crate) scopes: &'a [String],
    pub(crate) device: Option<&'a str>,
    pub(crate) refused: bool,
}

/// A good exchange.
pub(crate) struct Grant<'a> {
    pub(crate) token: String,
    pub(crate) code: Code,
    pub(crate) person: Person,
    pub(crate) form: &'a Params,
}

impl Play {
    /// The play of a provider.
    pub(crate) fn of(provider: Provider) -> &'static Self {
        match provider {
            Provider::Google => &google::PLAY,
            Provider::Yandex => &yandex::PLAY,
            Provider::Vk => &vk::PLAY,
            Provider::MailRu => &mailru::PLAY,
            Provider::GitHub => &github::PLAY,
            Provider::X => &x::PLAY,
            Provider::Facebook => &facebook::PLAY,
        }
    }

    /// What a path is for.
    pub(crate) fn endpoint(&self, path: &str) -> Option<Endpoint> {
        let own = [("/_decide", Endpoint::Decide), ("/_elsewhere", Endpoint::Elsewhere)];
        self.paths.iter().chain(&own).find(|(known, _)| *known == path).map(|(_, endpoint)| *endpoint)
    }
}

impl Scopes {
    /// The scopes that were asked for.
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
                    "scope {one:?} is unknown; known, with {between} between, are {:?}",
                    self.known
                )),
            })
            .collect()
    }
}

/// Takes members that are absent out of an object: for an answer whose fields come and go.
pub(crate) fn present(value: Value) -> Value {
    match value {
        Value::Object(members) => members.into_iter().filter(|(_, member)| !member.is_null()).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_with_the_wrong_separator_is_unknown() {
        let facebook = &Play::of(Provider::Facebook).scopes;
        assert!(facebook.parse(Some("email,public_profile")).is_ok());
        assert!(facebook.parse(Some("email public_profile")).unwrap_err().contains("commas"));
        let google = &Play::of(Provider::Google).scopes;
        assert!(google.parse(Some("openid email")).is_ok());
        assert!(google.parse(Some("openid,email")).unwrap_err().contains("spaces"));
        assert!(google.parse(Some("openid  email")).is_err());
    }

    #[test]
    fn every_provider_has_the_three_endpoints_of_all() {
        for provider in Provider::ALL {
            let play = Play::of(provider);
            assert_eq!(play.provider, provider);
            for wanted in [Endpoint::Authorize, Endpoint::Token, Endpoint::User] {
                assert!(play.paths.iter().any(|(_, endpoint)| *endpoint == wanted), "{provider} {wanted:?}");
            }
        }
    }
}
