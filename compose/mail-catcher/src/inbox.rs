//! The mails that were caught.

use std::sync::{Mutex, MutexGuard, PoisonError};

use mail_parser::MessageParser;
use serde::Serialize;

/// How many mails are kept; older ones go.
const MOST: usize = 500;

/// A mail as it was caught.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaughtMail {
    /// Its number, from 1.
    pub number: u64,
    /// The sender of the envelope.
    pub from: String,
    /// The recipients of the envelope.
    pub to: Vec<String>,
    /// The header, without angle brackets.
    pub message_id: String,
    /// The subject.
    pub subject: String,
    /// The part that is plain text.
    pub text: String,
    /// The part that is HTML.
    pub html: String,
    /// Whether it came over TLS.
    pub is_encrypted: bool,
    /// The user who authenticated.
    pub user: Option<String>,
    /// The message as it was sent.
    #[serde(skip)]
    pub raw: Vec<u8>,
}

/// The envelope of a mail.
#[derive(Debug, Clone, Default)]
pub(crate) struct MailEnvelope {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) is_encrypted: bool,
    pub(crate) user: Option<String>,
}

/// The mails, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    mails: Mutex<(u64, Vec<CaughtMail>)>,
}

impl Inbox {
    /// Keeps a mail.
    pub(crate) fn add(&self, envelope: MailEnvelope, raw: Vec<u8>) {
        let mut guard = self.lock();
        let (last, mails) = &mut *guard;
        *last += 1;
        mails.push(read(*last, envelope, raw));
        if mails.len() > MOST {
            mails.remove(0);
        }
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<CaughtMail> {
        self.lock().1.clone()
    }

    /// Removes all of them.
    pub(crate) fn clear(&self) {
        self.lock().1.clear();
    }

    fn lock(&self) -> MutexGuard<'_, (u64, Vec<CaughtMail>)> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(number: u64, envelope: MailEnvelope, raw: Vec<u8>) -> CaughtMail {
    let MailEnvelope { from, to, is_encrypted, user } = envelope;
    let parsed = MessageParser::default().parse(&raw);
    let parsed = parsed.as_ref();
    let text = |found: Option<String>| found.unwrap_or_default();
    CaughtMail {
        number,
        from,
        to,
        message_id: text(parsed.and_then(|mail| mail.message_id()).map(str::to_owned)),
        subject: text(parsed.and_then(|mail| mail.subject()).map(str::to_owned)),
        text: text(parsed.and_then(|mail| mail.body_text(0)).map(|text| text.replace("\r\n", "\n"))),
        html: text(parsed.and_then(|mail| mail.body_html(0)).map(|html| html.replace("\r\n", "\n"))),
        is_encrypted,
        user,
        raw,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_newest_mails_are_kept() {
        let inbox = Inbox::default();
        for number in 0..MOST + 3 {
            inbox.add(MailEnvelope::default(), format!("Subject: {number}\r\n\r\n").into_bytes());
        }
        let mails = inbox.all();
        assert_eq!((mails.len(), mails[0].number, mails[0].subject.as_str()), (MOST, 4, "3"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_kept_without_panic(raw: Vec<u8>, headers in "([A-Za-z-]{1,20}: [ -~]{0,40}\\r\\n){0,6}\\r\\n\\PC*") {
            for raw in [raw, headers.into_bytes()] {
                prop_assert_eq!(read(1, MailEnvelope::default(), raw.clone()).raw, raw);
            }
        }
    }
}
