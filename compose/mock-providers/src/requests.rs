//! How often a provider was asked.

use serde::Serialize;

use crate::play::Endpoint;

/// The requests that a provider got since it started, whatever came of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Requests {
    /// A browser came to sign in.
    pub authorize: u64,
    /// A code was to be exchanged.
    pub token: u64,
    /// The user data were asked for.
    pub user: u64,
    /// The e-mail addresses were asked for (GitHub).
    pub emails: u64,
    /// The keys were asked for (Google).
    pub keys: u64,
    /// The discovery document was asked for (Google).
    pub discovery: u64,
    /// One of the redirects `token_redirect` and `user_redirect` was followed.
    pub followed: u64,
}

impl Requests {
    /// One more.
    pub(crate) fn count(&mut self, endpoint: Endpoint) {
        let counter = match endpoint {
            Endpoint::Authorize => &mut self.authorize,
            Endpoint::Token => &mut self.token,
            Endpoint::User => &mut self.user,
            Endpoint::Emails => &mut self.emails,
            Endpoint::Keys => &mut self.keys,
            Endpoint::Discovery => &mut self.discovery,
            Endpoint::Elsewhere => &mut self.followed,
            Endpoint::Decide => return,
        };
        *counter = counter.saturating_add(1);
    }
}
