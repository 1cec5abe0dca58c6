//! The English texts of notices.

use jiff::Timestamp;

use super::super::site::{MailSite, network};
use crate::config::Language;
use crate::mail::letter::LetterPart;
use crate::mail::message::{Notice, NoticeKind};
use crate::moments::moment;

pub(super) fn notice_text(
    notice: &Notice,
    times: u32,
    site: MailSite<'_>,
) -> (&'static str, Vec<LetterPart>) {
    (subject(notice.kind), of_notice(what_happened(notice), notice, times, site))
}

fn subject(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::PasswordChanged => "Your password was changed",
        NoticeKind::PasswordRemoved => "Your password was removed",
        NoticeKind::EmailChanged => "Your e-mail address was changed",
        NoticeKind::EmailRestored => "Your e-mail address was taken back",
        NoticeKind::RecoveryBegun => "Your account is being recovered",
        NoticeKind::RecoveryObjected => "The recovery of your account was stopped",
        NoticeKind::AccountsMerged => "Two of your accounts were merged",
        NoticeKind::AccountFrozen => "Your account is protected for 72 hours",
        NoticeKind::AccountUnfrozen => "The protection of your account has ended",
        NoticeKind::EmailSet => "Your e-mail address was set by the support",
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

const RECOVERY_BEGUN: &str = "A new password for your account was asked for by mail to this address. Nothing has changed yet. After 72 \
    hours the reader of this mail can set a new password, which signs out all devices. If you asked for it, wait until then and do the \
    same again. If you did not, another person may read the mail of this address: open your account on a device where you are signed \
    in, press \u{201c}That was not me\u{201d}, and enter another address.";

const RECOVERY_OBJECTED: &str = "On a device that is signed in to the account it was said that the new password was asked for by another \
    person. So nothing changes, and for 30 days no new password can be set by mail to this address. If the account is yours, contact \
    the support of this site.";

const ACCOUNTS_MERGED: &str = "The support of this site merged two accounts of yours: one of them has the roles and sign-in methods of both now, and the \
    other one will be erased.";

const ACCOUNT_FROZEN: &str = "The mail to the former e-mail address of your account was used to protect it. For 72 hours its password, its address and its \
    sign-in methods cannot be changed, and it can be neither exported nor erased.";

const RIGHTS_GRANTED: &str = "An operator gave your account a role that may change other accounts or roles.";

fn erasure_begun(erase_at: Option<Timestamp>) -> String {
    let when =
        erase_at.map_or_else(|| "later".to_owned(), |at| format!("on {}", moment(at, Language::English)));
    format!(
        "The erasure of your account was requested, and all devices were signed out. The account and all its data will be erased \
         {when}. Until then you can keep it: sign in here, and choose to keep it."
    )
}

fn erasure_kept(erase_at: Option<Timestamp>) -> String {
    let when = erase_at.map_or_else(String::new, |at| format!(" on {}", moment(at, Language::English)));
    format!("Your account will not be erased{when}: after a sign-in it was chosen to keep it. Sign in here.")
}

fn account_erased(at: Timestamp) -> String {
    let at = moment(at, Language::English);
    format!(
        "Your account and its data were erased on {at}. They cannot be restored. This is the last mail about the account."
    )
}

const EVICTED: &str = "The support of this site signed your account out on all devices, and removed the sign-in methods that were added within \
    the last 30 days.";

fn what_happened(notice: &Notice) -> String {
    let provider = notice.provider.as_deref().unwrap_or("an identity provider");
    let text = match notice.kind {
        NoticeKind::PasswordChanged => {
            "The password of your account was changed. All other devices were signed out."
        }
        NoticeKind::PasswordRemoved => {
            "This address was confirmed for your account for the first time. The password that was set before does not count any more, because it may be another person's. You can set a new one."
        }
        NoticeKind::EmailChanged => {
            "This is now the e-mail address of your account. All other devices were signed out."
        }
        NoticeKind::EmailRestored => EMAIL_RESTORED,
        NoticeKind::RecoveryBegun => RECOVERY_BEGUN,
        NoticeKind::RecoveryObjected => RECOVERY_OBJECTED,
        NoticeKind::AccountsMerged => ACCOUNTS_MERGED,
        NoticeKind::AccountFrozen => ACCOUNT_FROZEN,
        NoticeKind::AccountUnfrozen => {
            "The support of this site ended the protection of your account: its password, address and sign-in methods can be changed again."
        }
        NoticeKind::EmailSet => {
            "The support of this site set this e-mail address for your account. All devices were signed out."
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
        NoticeKind::AccountDisabled => {
            "The support of this site disabled your account. All devices were signed out."
        }
        NoticeKind::AccountEnabled => "The support of this site enabled your account again. You can sign in.",
        NoticeKind::Evicted => EVICTED,
        NoticeKind::RightsGranted => RIGHTS_GRANTED,
        NoticeKind::SuperuserGranted => {
            "A superuser made your account a superuser, who may do everything in the administration."
        }
        NoticeKind::Exported => "All data of your account was requested from a signed-in device.",
        NoticeKind::ErasureBegun => return erasure_begun(notice.erase_at),
        NoticeKind::ErasureKept => return erasure_kept(notice.erase_at),
        NoticeKind::AccountErased => return account_erased(notice.at),
    };
    text.to_owned()
}

pub(super) fn of_notice(text: String, notice: &Notice, times: u32, site: MailSite<'_>) -> Vec<LetterPart> {
    let mut parts = vec![LetterPart::Paragraph(text)];
    if matches!(notice.kind, NoticeKind::ErasureBegun | NoticeKind::ErasureKept) {
        parts.push(LetterPart::Link(site.sign_in()));
    }
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

pub(super) fn facts_of(notice: &Notice) -> LetterPart {
    let mut facts = vec![("Time", moment(notice.at, Language::English))];
    facts.extend(notice.software.shown().map(|shown| ("Browser and system", shown)));
    facts.extend(notice.network.map(|first| ("Network", network(first))));
    LetterPart::Facts(facts)
}
