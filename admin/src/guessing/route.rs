//! The kinds of routes that are limited.

/// The kind of route by which a password is sent, or work is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitedRoute {
    /// A sign-in, which names an account by an identifier.
    Login,
    /// The confirmation of a link, within a flow that knows the account.
    Confirmation,
    /// A change of credentials, or the password once more, within a session.
    Change,
    /// A registration.
    Registration,
    /// The start of a sign-in through a provider.
    ProviderStart,
    /// A request for a link to set a new password.
    Forgot,
    /// A new password by such a link, which is named by the hash of its token.
    Reset,
    /// The former password, by the link that undoes a change of the address. It is named by the hash of its token.
    Undo,
    /// A request for a code by mail, to sign in or to confirm with.
    CodeRequest,
    /// Such a code, or the link beside it, within its flow.
    Code,
    /// A mail to a mailbox, named by its kind and its folded address.
    Mail,
}

impl LimitedRoute {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 11] = [
        Self::Login,
        Self::Confirmation,
        Self::Change,
        Self::Registration,
        Self::ProviderStart,
        Self::Forgot,
        Self::CodeRequest,
        Self::Mail,
        Self::Reset,
        Self::Undo,
        Self::Code,
    ];
}
