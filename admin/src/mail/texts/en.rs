//! The English texts.

mod notice;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use super::site::MailSite;
use crate::config::Language;
use crate::mail::letter::{Letter, LetterPart};
use crate::mail::message::{Message, Notice, ResetAdvice, SignInAdvice};
use crate::moments::moment;

use notice::{facts_of, notice_text, of_notice};

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
        Message::AddressChanged { notice, token } => address_changed(notice, token, site),
        Message::EmailChange { code, token } => email_change(code, token, site),
        Message::AccountJoin { code, token } => account_join(code, token, site),
        Message::AddressInUse => address_in_use(),
        Message::Reset { token } => reset(token, site),
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
        Message::Export { token } => export_text(token, site),
        Message::ResetAdvice(advice) => (
            "About your request for a new password",
            refused_reset(*advice, site),
        ),
        Message::Registration { code, token } => registration(code, token, site),
        Message::AlreadyRegistered { help } => ("You already have an account", already_registered(help, site)),
        Message::SignInCode { code } => ("Your code to sign in", of_code("Enter this code where you sign in, within ten minutes:", code)),
        Message::SignInAdvice(advice) => sign_in_advice(*advice, site),
        Message::LinkCode { code } => (
            "Your code to confirm",
            of_code("Enter this code where you sign in with your account at another service, within ten minutes:", code),
        ),
    };
    let footer = LetterPart::Small(match message.is_about_account() {
        true => format!("This message was sent automatically. It is about your account at {}.", site.host),
        false => format!("This message was sent automatically. This address was entered at {}.", site.host),
    });
    let parts = parts.into_iter().chain([footer]).collect();
    Letter { language: Language::English.tag(), subject: subject.to_owned(), parts }
}

fn registration(
    code: &SecretString,
    token: &SecretString,
    site: MailSite<'_>,
) -> (&'static str, Vec<LetterPart>) {
    ("Confirm your e-mail address",
            vec![
                LetterPart::Paragraph(
                    "A new account with this address was requested. Enter this code where you registered, within ten minutes:"
                        .to_owned(),
                ),
                code_part(code),
                LetterPart::Paragraph("Or open this link within one hour, and set a password:".to_owned()),
                LetterPart::Link(site.confirmation(token)),
                LetterPart::Paragraph("If you did not ask for this, ignore this mail: no account is created.".to_owned()),
            ])
}

fn email_change(
    code: &SecretString,
    token: &SecretString,
    site: MailSite<'_>,
) -> (&'static str, Vec<LetterPart>) {
    let paragraph = |text: &str| LetterPart::Paragraph(text.to_owned());
    let parts = vec![
        paragraph(
            "This address was entered as the new one of an account. Enter this code where you changed it, within ten minutes:",
        ),
        code_part(code),
        paragraph("Or open this link within one hour, on a device where you are signed in:"),
        LetterPart::Link(site.change_confirmation(token)),
        paragraph(
            "If you did not ask for this, ignore this mail, and do not share the code: nothing changes.",
        ),
    ];
    ("Confirm the new address of your account", parts)
}

fn account_join(
    code: &SecretString,
    token: &SecretString,
    site: MailSite<'_>,
) -> (&'static str, Vec<LetterPart>) {
    let paragraph = |text: &str| LetterPart::Paragraph(text.to_owned());
    let parts = vec![
        paragraph(
            "You have an account with this address, and the address was entered in another account, which has none. If both are yours, enter this code there within ten minutes, and choose to use the account with the address:",
        ),
        code_part(code),
        paragraph(
            "Or open this link within one hour, on a device where you are signed in to the other account:",
        ),
        LetterPart::Link(site.change_confirmation(token)),
        paragraph(
            "If you did not ask for this, ignore this mail, and do not share the code: nothing changes.",
        ),
    ];
    ("Two accounts with your address", parts)
}

fn address_in_use() -> (&'static str, Vec<LetterPart>) {
    let paragraph = |text: &str| LetterPart::Paragraph(text.to_owned());
    let what = "This address was entered as the new one of another account, but you already have an account with it. Nothing has changed.";
    let advice = "If you did this, sign in to the account with this address, or enter another address in the other one. To make one account of the two, contact support.";
    ("This address has an account already", vec![paragraph(what), paragraph(advice)])
}

fn address_changed(
    notice: &Notice,
    token: &SecretString,
    site: MailSite<'_>,
) -> (&'static str, Vec<LetterPart>) {
    let paragraph = |text: &str| LetterPart::Paragraph(text.to_owned());
    let what = "Your account has another e-mail address now. If you did this, you need not do anything.";
    let advice = "If not, open this link within 72 hours. It stops further changes of how the account is signed in to, or takes this address back, with your password from before the change or on a device that you used before:";
    let link = LetterPart::Link(site.undo_link(token));
    let parts = vec![paragraph(what), facts_of(notice), paragraph(advice), link];
    ("The e-mail address of your account was changed", parts)
}

fn reset(token: &SecretString, site: MailSite<'_>) -> (&'static str, Vec<LetterPart>) {
    (
        "Set a new password",
        vec![
            LetterPart::Paragraph(
                "A new password was requested for your account. Open this link within one hour, and set it:"
                    .to_owned(),
            ),
            LetterPart::Link(site.link(token)),
            LetterPart::Paragraph(
                "If you did not ask for this, ignore this mail: your password stays as it is.".to_owned(),
            ),
        ],
    )
}

fn refused_reset(advice: ResetAdvice, site: MailSite<'_>) -> Vec<LetterPart> {
    let why = "A new password was requested for your account, but it cannot be set by mail.";
    [LetterPart::Paragraph(why.to_owned())].into_iter().chain(advice_parts(advice, site)).collect()
}

fn sign_in_advice(advice: SignInAdvice, site: MailSite<'_>) -> (&'static str, Vec<LetterPart>) {
    let why =
        "A code to sign in with was requested for your account, but the account cannot be opened by mail.";
    let advice = match advice {
        SignInAdvice::Erasing { at } => return ("About your request for a code", link_to_erasing(at, site)),
        SignInAdvice::Disabled => DISABLED,
        SignInAdvice::UsePassword => "The account may change other accounts. Sign in with its password.",
        SignInAdvice::AddressChanged => ADDRESS_CHANGED,
        SignInAdvice::Unproven => {
            "It was never confirmed that this address belongs to the account. Sign in with the password, or ask for a new one."
        }
    };
    let paragraph = |text: &str| LetterPart::Paragraph(text.to_owned());
    ("About your request for a code", vec![paragraph(why), paragraph(advice)])
}

/// To the address of an account that will be erased, to which an account at a provider would be linked.
fn link_to_erasing(at: Timestamp, site: MailSite<'_>) -> Vec<LetterPart> {
    let why = "A code was requested to use an account at another service with your account. But your account will be erased, so nothing can be added to it.";
    [LetterPart::Paragraph(why.to_owned())].into_iter().chain(erasing(at, "Then try again.", site)).collect()
}

/// How an account that will be erased is kept.
fn erasing(at: Timestamp, then: &str, site: MailSite<'_>) -> Vec<LetterPart> {
    let at = moment(at, Language::English);
    let how = format!(
        "The account will be erased on {at}. To keep it, sign in here before, with your password or a code from a mail, and choose to keep it. {then}"
    );
    vec![LetterPart::Paragraph(how), LetterPart::Link(site.sign_in())]
}

fn code_part(code: &SecretString) -> LetterPart {
    LetterPart::Facts(vec![("Code", code.expose_secret().to_owned())])
}

fn of_code(text: &str, code: &SecretString) -> Vec<LetterPart> {
    let warning = "If you did not ask for this, ignore this mail, and do not share the code.";
    vec![LetterPart::Paragraph(text.to_owned()), code_part(code), LetterPart::Paragraph(warning.to_owned())]
}

fn already_registered(help: &Result<SecretString, ResetAdvice>, site: MailSite<'_>) -> Vec<LetterPart> {
    let mut parts = vec![
        LetterPart::Paragraph(
            "A new account with this address was requested, but you already have one. Sign in to it here:"
                .to_owned(),
        ),
        LetterPart::Link(site.url.to_owned()),
    ];
    match help {
        Ok(token) => {
            parts.push(LetterPart::Paragraph(
                "If you do not know your password, open this link within one hour, and set a new one:"
                    .to_owned(),
            ));
            parts.push(LetterPart::Link(site.link(token)));
        }
        Err(advice) => parts.extend(advice_parts(*advice, site)),
    }
    parts
}

fn export_text(token: &SecretString, site: MailSite<'_>) -> (&'static str, Vec<LetterPart>) {
    (
            "The data of your account",
            vec![
                LetterPart::Paragraph(
                    "You asked for the data that is stored about you. Open this link within one hour, and download it:"
                        .to_owned(),
                ),
                LetterPart::Link(site.export_link(token)),
            ],
        )
}

/// Why an address that can take its account back opens nothing by itself.
const ADDRESS_CHANGED: &str = "Your account has another address since. If you did not change it, open the link in the mail that you got at the time of the change: with it you take this address back and set a new password. If you cannot find that mail, contact support.";

const DISABLED: &str =
    "The account is disabled. It cannot be used until the support of this site enables it again.";

fn advice_parts(advice: ResetAdvice, site: MailSite<'_>) -> Vec<LetterPart> {
    let text = match advice {
        ResetAdvice::Erasing { at } => return erasing(at, "Then ask for a new password again.", site),
        ResetAdvice::Disabled => DISABLED,
        ResetAdvice::Frozen => {
            "The address of the account was changed, and the mail to the former address was used to protect it, so no new password can be set now. Use the link in that mail, or try again after 72 hours."
        }
        ResetAdvice::AskOperator => {
            "Your account has operator rights, so its password cannot be reset by mail. Ask another operator for a link."
        }
        ResetAdvice::AddressChanged => ADDRESS_CHANGED,
        ResetAdvice::Unproven => {
            "The account is in use, and it was never confirmed that this address belongs to it. If it is yours, change its address where you are signed in, or contact support."
        }
    };
    vec![LetterPart::Paragraph(text.to_owned())]
}
