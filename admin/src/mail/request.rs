//! Who answers the requests of the outbox: a later module, which knows accounts.

use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::message::Message;
use super::queued::MailRequest;
use crate::config::Language;
use crate::db::DbError;

/// What became of a request. Purposefully without `Debug`: it holds an address.
pub(crate) struct ResolvedMail {
    /// The address as the account has it.
    pub(crate) address: String,
    /// The user's language, if it is known.
    pub(crate) language: Option<Language>,
    /// The mail.
    pub(crate) message: Message,
}

/// Answers requests. The same request of one mail gets the same answer again if the mail is sent again, unless the account
/// has changed meanwhile.
pub(crate) trait RequestResolver: Send + Sync {
    /// The mail for the request with this identifier, from the holder of `address`, which was sealed with the master key of
    /// this number; `None` for no mail. What follows from a master key must follow from that one: another one may be the
    /// first by the next attempt.
    fn resolve<'r>(
        &'r self,
        request: &'r MailRequest,
        mail: (Uuid, u8),
        address: &'r str,
    ) -> BoxFuture<'r, Result<Option<ResolvedMail>, DbError>>;
}
