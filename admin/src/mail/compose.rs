//! From a mail of the outbox to the bytes of a message (RFC 5322): the same bytes at every attempt, unless the account or the
//! mail has changed meanwhile.

use std::time::SystemTime;

use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message as MimeMessage};

use super::letter::Letter;
use super::store::ClaimedMail;

/// A message, ready to be handed over. Purposefully without `Debug`.
pub(super) struct ComposedMail {
    pub(super) from: Address,
    pub(super) to: Address,
    pub(super) bytes: Vec<u8>,
}

/// The address, or the message made of it, has no form that a mail server takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the address of a mail has no form that a mail server accepts")]
pub(super) struct NotComposed;

/// The message of `mail` with this text.
pub(super) fn compose(
    from: &Mailbox,
    address: &str,
    mail: &ClaimedMail,
    letter: &Letter,
) -> Result<ComposedMail, NotComposed> {
    let to = recipient(address).ok_or(NotComposed)?;
    let envelope = Envelope::new(Some(from.email.clone()), vec![to.clone()]).map_err(|_| NotComposed)?;
    let automatic =
        HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    let part = |content_type, body: String| SinglePart::builder().header(content_type).body(body);
    let body = MultiPart::alternative()
        .boundary(mail.id.simple().to_string())
        .singlepart(part(ContentType::TEXT_PLAIN, letter.plain()))
        .singlepart(part(ContentType::TEXT_HTML, letter.html()));
    let message = MimeMessage::builder()
        .envelope(envelope)
        .from(from.clone())
        .to(Mailbox::new(None, to.clone()))
        .subject(letter.subject.clone())
        .date(SystemTime::from(mail.created_at))
        .message_id(Some(format!("<{}@{}>", mail.id, from.email.domain())))
        .raw_header(automatic)
        .multipart(body)
        .map_err(|_| NotComposed)?;
    Ok(ComposedMail { from: from.email.clone(), to, bytes: message.formatted() })
}

/// The address with its domain in the form of the DNS, so that only a local part in another script needs SMTPUTF8.
fn recipient(address: &str) -> Option<Address> {
    let (local, domain) = address.rsplit_once('@')?;
    Address::new(local, idna::domain_to_ascii_strict(domain).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::config::Language;
    use crate::mail::message::tests::all;
    use crate::mail::texts::{MailSite, letter};

    fn claimed() -> ClaimedMail {
        ClaimedMail {
            id: Uuid::from_u128(7),
            kind: String::new(),
            mailbox: Vec::new(),
            language: None,
            recipient: Vec::new(),
            parameters: Vec::new(),
            times: 1,
            attempts: 1,
            created_at: Timestamp::from_second(1_800_000_000).unwrap(),
            remaining: Duration::from_secs(1),
        }
    }

    fn composed(address: &str, language: Language) -> Option<String> {
        let from: Mailbox = "Cinema <no-reply@cinema.example>".parse().unwrap();
        let site = MailSite { host: "cinema.example", url: "https://cinema.example/" };
        let letter = letter(&all()[0], 1, language, site);
        let mail = compose(&from, address, &claimed(), &letter).ok()?;
        Some(String::from_utf8(mail.bytes).unwrap())
    }

    #[test]
    fn every_attempt_has_the_same_bytes() {
        let text = composed("anna@example.org", Language::Russian).unwrap();
        assert_eq!(composed("anna@example.org", Language::Russian).unwrap(), text);
        for header in [
            "Message-ID: <00000000-0000-0000-0000-000000000007@cinema.example>\r\n",
            "Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n",
            "From: Cinema <no-reply@cinema.example>\r\n",
            "To: anna@example.org\r\n",
            "Auto-Submitted: auto-generated\r\n",
        ] {
            assert!(text.contains(header), "{header}: {text}");
        }
        assert!(text.is_ascii(), "no server needs 8BITMIME for it");
    }

    #[test]
    fn only_a_local_part_in_another_script_is_sent_as_it_is() {
        assert!(
            composed("anna@почта.рф", Language::English)
                .unwrap()
                .contains("To: anna@xn--80a1acny.xn--p1ai\r\n")
        );
        assert!(!composed("анна@example.org", Language::English).unwrap().is_ascii());
        assert_eq!(composed("no address", Language::English), None);
    }
}
