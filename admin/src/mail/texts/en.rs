//! The English texts.

use super::site::{MailSite, moment, network};
use crate::config::MailLanguage;
use crate::mail::letter::{Letter, LetterPart};
use crate::mail::message::{Message, Notice, NoticeKind, ResetAdvice};

pub(super) fn letter(message: &Message, times: u32, site: MailSite<'_>) -> Letter {
    let (subject, parts) = match message {
        Message::Notice(notice) => notice_text(notice, times, site),
        Message::AddressRemoved(notice) => (
            "The e-mail address of your account was changed",
            of_notice(
                "Your account has another e-mail address now. This address gets no further mail about the account."
                    .to_owned(),
                notice,
                times,
                site,
            ),
        ),
        Message::Reset { token } => (
            "Set a new password",
            vec![
                LetterPart::Paragraph(
                    "A new password was requested for your account. Open this link within one hour, and set it:"
                        .to_owned(),
                ),
                LetterPart::Link(site.link(token)),
                LetterPart::Paragraph(
                    "If you did not ask for this, ignore this mail: your password stays as it is."
                        .to_owned(),
                ),
            ],
        ),
        Message::Invitation { token } => (
            "Your new account",
            vec![
                LetterPart::Paragraph(
                    "An account was created for you. Open this link within seven days, and set a password:"
                        .to_owned(),
                ),
                LetterPart::Link(site.link(token)),
            ],
        ),
        Message::ResetAdvice(advice) => (
            "About your request for a new password",
            vec![
                LetterPart::Paragraph(
                    "A new password was requested for your account, but it cannot be set by mail.".to_owned(),
                ),
                LetterPart::Paragraph(advice_text(*advice).to_owned()),
            ],
        ),
    };
    let footer = LetterPart::Small(format!(
        "This message was sent automatically. It is about your account at {}.",
        site.host
    ));
    let parts = parts.into_iter().chain([footer]).collect();
    Letter { language: MailLanguage::English.tag(), subject: subject.to_owned(), parts }
}

fn advice_text(advice: ResetAdvice) -> &'static str {
    match advice {
        ResetAdvice::Disabled => "The account is disabled. Contact support.",
        ResetAdvice::AskOperator => {
            "Your account has operator rights, so its password cannot be reset by mail. Ask another operator for a link."
        }
        ResetAdvice::Unproven => {
            "The account is in use, and it was never confirmed that this address belongs to it. Change the password where you are signed in, or contact support."
        }
    }
}

fn notice_text(notice: &Notice, times: u32, site: MailSite<'_>) -> (&'static str, Vec<LetterPart>) {
    (subject(notice.kind), of_notice(what_happened(notice), notice, times, site))
}

fn subject(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::PasswordChanged => "Your password was changed",
        NoticeKind::EmailChanged => "Your e-mail address was changed",
        NoticeKind::EmailSet => "An operator set your e-mail address",
        NoticeKind::EmailClaimed => "Your account has no e-mail address now",
        NoticeKind::LoginChanged => "Your login name was changed",
        NoticeKind::NewDevice => "New sign-in to your account",
        NoticeKind::RefreshElsewhere => "Your account was used from another place",
        NoticeKind::ProviderLinked => "A sign-in method was added",
        NoticeKind::ProviderUnlinked => "A sign-in method was removed",
        NoticeKind::AccountDisabled => "Your account was disabled",
        NoticeKind::AccountEnabled => "Your account was enabled",
        NoticeKind::Evicted => "All your devices were signed out",
        NoticeKind::RightsGranted => "Your account has operator rights",
        NoticeKind::SuperuserGranted => "Your account is a superuser",
    }
}

fn what_happened(notice: &Notice) -> String {
    let provider = notice.provider.as_deref().unwrap_or("an identity provider");
    let text = match notice.kind {
        NoticeKind::PasswordChanged => {
            "The password of your account was changed. All other devices were signed out."
        }
        NoticeKind::EmailChanged => {
            "This is now the e-mail address of your account. All other devices were signed out."
        }
        NoticeKind::EmailSet => {
            "An operator set this e-mail address for your account. All devices were signed out."
        }
        NoticeKind::EmailClaimed => {
            "Another user verified the e-mail address of your account, so your account no longer has it. Set another one."
        }
        NoticeKind::LoginChanged => {
            "The login name of your account was changed. All other devices were signed out."
        }
        NoticeKind::NewDevice => "Your account was signed in to on a device that it was not used on before.",
        NoticeKind::RefreshElsewhere => {
            "A session of your account was continued from another network and by another program."
        }
        NoticeKind::ProviderLinked => {
            return format!("An account at {provider} can be used to sign in to your account now.");
        }
        NoticeKind::ProviderUnlinked => {
            return format!("The account at {provider} cannot be used to sign in to your account any more.");
        }
        NoticeKind::AccountDisabled => "An operator disabled your account. All devices were signed out.",
        NoticeKind::AccountEnabled => "An operator enabled your account again. You can sign in.",
        NoticeKind::Evicted => {
            "An operator signed your account out on all devices, and removed the sign-in methods that were added within \
             the last 30 days."
        }
        NoticeKind::RightsGranted => {
            "An operator assigned a role to your account that may change other accounts or roles."
        }
        NoticeKind::SuperuserGranted => {
            "A superuser made your account a superuser, who may do everything in the administration."
        }
    };
    text.to_owned()
}

fn of_notice(text: String, notice: &Notice, times: u32, site: MailSite<'_>) -> Vec<LetterPart> {
    let mut parts = vec![LetterPart::Paragraph(text)];
    if times > 1 {
        parts.push(LetterPart::Paragraph(format!(
            "This happened {times} times within one hour. The details are those of the last time."
        )));
    }
    let mut facts = vec![("Time", moment(notice.at))];
    facts.extend(notice.software.shown().map(|shown| ("Browser and system", shown)));
    facts.extend(notice.network.map(|first| ("Network", network(first))));
    parts.push(LetterPart::Facts(facts));
    if notice.kind.is_of_operator() {
        parts.push(LetterPart::Paragraph("If you did not expect this, contact support.".to_owned()));
    } else {
        parts.push(LetterPart::Paragraph(
            "If you did this, you need not do anything. If not, change your password now, and sign out all devices:"
                .to_owned(),
        ));
        parts.push(LetterPart::Link(site.url.to_owned()));
    }
    parts
}
