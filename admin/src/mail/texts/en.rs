//! The English texts.

use secrecy::{ExposeSecret as _, SecretString};

use super::site::{MailSite, moment, network};
use crate::config::Language;
use crate::mail::letter::{Letter, LetterPart};
use crate::mail::message::{Message, Notice, NoticeKind, ResetAdvice, SignInAdvice};

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
            vec![
                LetterPart::Paragraph(
                    "A new password was requested for your account, but it cannot be set by mail.".to_owned(),
                ),
                LetterPart::Paragraph(advice_text(*advice).to_owned()),
            ],
        ),
        Message::Registration { code, token } => registration(code, token, site),
        Message::AlreadyRegistered { help } => ("You already have an account", already_registered(help, site)),
        Message::SignInCode { code } => ("Your code to sign in", of_code("Enter this code where you sign in, within ten minutes:", code)),
        Message::SignInAdvice(advice) => sign_in_advice(*advice),
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

fn address_in_use() -> (&'static str, Vec<LetterPart>) {
    let paragraph = |text: &str| LetterPart::Paragraph(text.to_owned());
    let what = "This address was entered as the new one of another account, but you already have an account with it. Nothing has changed.";
    let advice = "If you did this, sign in to the account with this address, or enter another address in the other one.";
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

fn sign_in_advice(advice: SignInAdvice) -> (&'static str, Vec<LetterPart>) {
    ("About your request for a code",
            vec![
                LetterPart::Paragraph(
                    "A code to sign in with was requested for your account, but the account cannot be opened by mail."
                        .to_owned(),
                ),
                LetterPart::Paragraph(sign_in_advice_text(advice).to_owned()),
            ])
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
        Err(advice) => parts.push(LetterPart::Paragraph(advice_text(*advice).to_owned())),
    }
    parts
}

fn sign_in_advice_text(advice: SignInAdvice) -> &'static str {
    match advice {
        SignInAdvice::Disabled => {
            "An operator disabled the account. It cannot be used until an operator of this site enables it again."
        }
        SignInAdvice::Erasing => {
            "The account will be erased. To keep it, sign in as usual, and choose to keep it."
        }
        SignInAdvice::UsePassword => "The account may change other accounts. Sign in with its password.",
        SignInAdvice::AddressChanged => ADDRESS_CHANGED,
        SignInAdvice::Unproven => {
            "It was never confirmed that this address belongs to the account. Sign in with the password, or ask for a new one."
        }
    }
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

fn advice_text(advice: ResetAdvice) -> &'static str {
    match advice {
        ResetAdvice::Disabled => {
            "An operator disabled the account. It cannot be used until an operator of this site enables it again."
        }
        ResetAdvice::Erasing => {
            "The account will be erased. To keep it, sign in with a code from a mail, and choose to keep it. Then ask again."
        }
        ResetAdvice::Frozen => {
            "The account is frozen, because its address was changed. Set a new password by the link that was mailed to the former address, or wait until the freeze ends."
        }
        ResetAdvice::AskOperator => {
            "Your account has operator rights, so its password cannot be reset by mail. Ask another operator for a link."
        }
        ResetAdvice::AddressChanged => ADDRESS_CHANGED,
        ResetAdvice::Unproven => {
            "The account is in use, and it was never confirmed that this address belongs to it. If it is yours, change its address where you are signed in, or contact support."
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
        NoticeKind::EmailRestored => "Your e-mail address was taken back",
        NoticeKind::RecoveryBegun => "Your account is being recovered",
        NoticeKind::RecoveryObjected => "The recovery of your account was stopped",
        NoticeKind::AccountsMerged => "Two of your accounts were merged",
        NoticeKind::AccountFrozen => "Your account is frozen",
        NoticeKind::AccountUnfrozen => "Your account is no longer frozen",
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
        NoticeKind::Exported => "The data of your account was requested",
        NoticeKind::ErasureBegun => "Your account will be erased",
        NoticeKind::ErasureKept => "Your account is kept",
        NoticeKind::AccountErased => "Your account is erased",
    }
}

const EMAIL_RESTORED: &str = "The change of the e-mail address was undone, so your account has this address again, and a new password. All \
    devices were signed out.";

const RECOVERY_BEGUN: &str = "A person with access to this mailbox said that the account is theirs. After 72 hours they can set a new \
    password, unless a device that is signed in objects. If this was you, do the same again then. If you use the account and this was \
    not you, object on a device where you are signed in, and set another address.";

const RECOVERY_OBJECTED: &str = "A device that is signed in objected to the recovery of the account by this address, so nothing changes. For \
    30 days it cannot be recovered by this address. If the account is yours, ask an operator of this site.";

const ACCOUNTS_MERGED: &str = "An operator merged two accounts of yours: one of them has the roles and sign-in methods of both now, and the \
    other one will be erased.";

const ACCOUNT_FROZEN: &str = "The former e-mail address of your account was used to freeze it. For 72 hours its password, its address and its \
    sign-in methods cannot be changed, and it can be neither exported nor erased.";

const RIGHTS_GRANTED: &str =
    "An operator assigned a role to your account that may change other accounts or roles.";

const ERASURE_BEGUN: &str = "The erasure of your account was requested, and all devices were signed out. Until it is erased you can keep \
    it: sign in, and choose to keep it.";

const EVICTED: &str = "An operator signed your account out on all devices, and removed the sign-in methods that were added within \
    the last 30 days.";

fn what_happened(notice: &Notice) -> String {
    let provider = notice.provider.as_deref().unwrap_or("an identity provider");
    let text = match notice.kind {
        NoticeKind::PasswordChanged => {
            "The password of your account was changed. All other devices were signed out."
        }
        NoticeKind::EmailChanged => {
            "This is now the e-mail address of your account. All other devices were signed out."
        }
        NoticeKind::EmailRestored => EMAIL_RESTORED,
        NoticeKind::RecoveryBegun => RECOVERY_BEGUN,
        NoticeKind::RecoveryObjected => RECOVERY_OBJECTED,
        NoticeKind::AccountsMerged => ACCOUNTS_MERGED,
        NoticeKind::AccountFrozen => ACCOUNT_FROZEN,
        NoticeKind::AccountUnfrozen => "An operator ended the freeze of your account.",
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
        NoticeKind::Evicted => EVICTED,
        NoticeKind::RightsGranted => RIGHTS_GRANTED,
        NoticeKind::SuperuserGranted => {
            "A superuser made your account a superuser, who may do everything in the administration."
        }
        NoticeKind::Exported => "All data of your account was requested from a signed-in device.",
        NoticeKind::ErasureBegun => ERASURE_BEGUN,
        NoticeKind::ErasureKept => {
            "Your account will not be erased: after a sign-in it was chosen to keep it."
        }
        NoticeKind::AccountErased => {
            "Your account and its data are erased. They cannot be restored. This is the last mail about it."
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
    parts.push(facts_of(notice));
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

fn facts_of(notice: &Notice) -> LetterPart {
    let mut facts = vec![("Time", moment(notice.at))];
    facts.extend(notice.software.shown().map(|shown| ("Browser and system", shown)));
    facts.extend(notice.network.map(|first| ("Network", network(first))));
    LetterPart::Facts(facts)
}
