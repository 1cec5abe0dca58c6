//! Mail: the outbox, the worker that empties it, and the texts.
//!
//! A mail is a row of the outbox, written in the transaction that causes it. No request waits for the mail server.
//! The worker of any admin claims the row, hands the mail over and deletes the row: at least once, always with the same
//! `Message-ID`. No mail contains text of the client that caused it.

mod abilities;
mod backoff;
mod compose;
mod delivery;
mod html;
mod language;
mod letter;
mod mailbox;
mod message;
mod outbox;
mod queued;
mod request;
mod software;
mod store;
mod texts;
mod worker;

pub(crate) use language::language_of;
pub(crate) use mailbox::folded;
pub(crate) use message::{Message, Notice, NoticeKind, ResetAdvice, SignInAdvice};
pub use outbox::Outbox;
pub(crate) use outbox::{NewMail, Recipient};
pub(crate) use queued::{CodePurpose, CodeRequest, LinkText, MailRequest, QueuedMail};
pub(crate) use request::{RequestResolver, ResolvedMail};
pub(crate) use software::Software;
pub use store::OutboxStatus;
pub(crate) use store::PURGE;
pub(crate) use texts::network as shown_network;
pub use worker::MailServerError;
pub(crate) use worker::{MailWorker, check_server};
