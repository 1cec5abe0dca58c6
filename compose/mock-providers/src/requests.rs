//! The number of requests to a provider.

use serde::Serialize;

use crate::endpoint::Endpoint;

/// The number of requests to a provider since its start, successful or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Requests {
    /// Authorization requests.
    pub authorize: u64,
    /// Token requests.
    pub token: u64,
    /// User info requests.
    pub user: u64,
    /// Requests for the list of e-mail addresses (GitHub).
    pub emails: u64,
    /// Requests for the key set (Google).
    pub keys: u64,
    /// Requests for the discovery document (Google).
    pub discovery: u64,
    /// Requests that followed a redirect of the faults `token_redirect` and `user_redirect`.
    pub followed: u64,
}

impl Requests {
    /// Counts one request.
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
