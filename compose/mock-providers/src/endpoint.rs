//! The endpoints of a provider.

/// The purpose of a path of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// The authorization endpoint: a page with the people to choose from.
    Authorize,
    /// Receives the choice of that page.
    Decide,
    /// The token endpoint.
    Token,
    /// The user info endpoint.
    User,
    /// GitHub's list of e-mail addresses.
    Emails,
    /// The key set of Google and Microsoft.
    Keys,
    /// The discovery document of Google and Microsoft.
    Discovery,
    /// The target of redirects that no client may follow.
    Elsewhere,
}
