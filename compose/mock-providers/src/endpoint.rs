//! The endpoints of a provider.

/// What a path of a provider is for.
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
    /// Google's key set.
    Keys,
    /// Google's discovery document.
    Discovery,
    /// The target of redirects that no client may follow.
    Elsewhere,
}
