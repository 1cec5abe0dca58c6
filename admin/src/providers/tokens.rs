//! The tokens that a provider issues for a code.

use std::fmt;
use std::time::Duration;

use oauth2::basic::BasicTokenType;
use oauth2::{AccessToken, RefreshToken, Scope, TokenResponse};
use serde::{Deserialize, Serialize};

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
