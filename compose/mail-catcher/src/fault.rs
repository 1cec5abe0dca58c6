//! The ways in which the server fails on purpose.

/// A fault, from the next command on until it is cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Every connection is greeted with 421 and closed.
    Unavailable,
    /// Nothing is answered, not even with a greeting.
    Silent,
    /// Credentials are refused with 535.
    RejectCredentials,
    /// Senders are refused with 550.
    RejectSender,
    /// Recipients are refused with 550.
    RejectRecipient,
    /// Recipients are refused with 451 for now.
    DeferRecipient,
    /// The content is refused with 554.
    RejectContent,
    /// The content is refused with 451 for now.
    DeferContent,
    /// The mail is kept, and the connection is closed without an answer.
    HangUpAfterContent,
    /// Addresses with a local part in another script than Latin are not taken: SMTPUTF8 is not offered.
    AsciiOnly,
    /// The content is never answered.
    SilentAfterContent,
}
