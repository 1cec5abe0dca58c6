//! Notices: what happened to an account that its user must know.
//!
//! Each is written in the transaction of the change: as a row that the user sees in `GET /me/notices`, and as a mail, if
//! mail is on and the account has an address. One function for each kind.

pub(crate) mod store;

use std::net::IpAddr;

use jiff::Timestamp;
use uuid::Uuid;

use crate::access;
use crate::actor::Client;
use crate::config::Language;
use crate::context::Core;
use crate::db::{DbError, Transaction};
use crate::keys::LinkToken;
use crate::limits::Network;
use crate::mail::{LinkText, NewMail, Notice, NoticeKind, QueuedMail, Recipient, Software, language_of};
use crate::users::FormerAddress;

use store::Contact;

/// Where the client of a change is, and its software. Purposefully without `Debug`: it is personal.
#[derive(Clone, Copy, Default)]
pub(crate) struct NoticeClient<'c> {
    pub(crate) address: Option<IpAddr>,
    pub(crate) user_agent: Option<&'c str>,
    /// `Accept-Language`, for a user whose language is unknown.
    pub(crate) languages: Option<&'c str>,
}

/// A transaction that changes the account of a user.
#[derive(Clone, Copy)]
pub(crate) struct NoticeTarget<'t> {
    pub(crate) core: &'t Core,
    pub(crate) tx: &'t Transaction<'t>,
    pub(crate) user: Uuid,
}

impl<'c> From<&'c Client> for NoticeClient<'c> {
    fn from(client: &'c Client) -> Self {
        Self {
            address: client.address,
            user_agent: client.user_agent.as_deref(),
            languages: client.languages.as_deref(),
        }
    }
}

/// The user has another password.
///
/// # Errors
///
/// When PostgreSQL is unavailable, as for all notices.
pub(crate) async fn password_changed(
    target: NoticeTarget<'_>,
    client: NoticeClient<'_>,
) -> Result<(), DbError> {
    write(target, NoticeKind::PasswordChanged, client, None).await.map(drop)
}

/// The password of a person who had the account before its owner proved the address does not count any more.
pub(crate) async fn password_removed(
    target: NoticeTarget<'_>,
    client: NoticeClient<'_>,
) -> Result<(), DbError> {
    write(target, NoticeKind::PasswordRemoved, client, None).await.map(drop)
}

/// The account has another address; the one before gets a mail, too, with the link of this token by which the change is
/// undone.
pub(crate) async fn email_changed(
    target: NoticeTarget<'_>,
    client: NoticeClient<'_>,
    former: Option<&FormerAddress>,
    undo: Option<&LinkToken>,
) -> Result<(), DbError> {
    replace_address(target, NoticeKind::EmailChanged, client, (former, undo)).await
}

/// The account has the address before a change again; the one of the change gets a mail, too.
pub(crate) async fn email_restored(
    target: NoticeTarget<'_>,
    client: NoticeClient<'_>,
    former: Option<&FormerAddress>,
) -> Result<(), DbError> {
    replace_address(target, NoticeKind::EmailRestored, client, (former, None)).await
}

/// The holder of the unproven address recovers the account, which takes effect later.
pub(crate) async fn recovery_begun(
    target: NoticeTarget<'_>,
    client: NoticeClient<'_>,
) -> Result<(), DbError> {
    write(target, NoticeKind::RecoveryBegun, client, None).await.map(drop)
}

/// A session of the account objected to that.
pub(crate) async fn recovery_objected(
    target: NoticeTarget<'_>,
    client: NoticeClient<'_>,
) -> Result<(), DbError> {
    write(target, NoticeKind::RecoveryObjected, client, None).await.map(drop)
}

/// The holder of the address before a change froze how the account is signed in to.
pub(crate) async fn account_frozen(
    target: NoticeTarget<'_>,
    client: NoticeClient<'_>,
) -> Result<(), DbError> {
    write(target, NoticeKind::AccountFrozen, client, None).await.map(drop)
}

/// An operator ended that.
pub(crate) async fn account_unfrozen(target: NoticeTarget<'_>) -> Result<(), DbError> {
    write(target, NoticeKind::AccountUnfrozen, NoticeClient::default(), None).await.map(drop)
}

/// An operator merged two accounts; each is notified.
pub(crate) async fn accounts_merged(target: NoticeTarget<'_>) -> Result<(), DbError> {
    write(target, NoticeKind::AccountsMerged, NoticeClient::default(), None).await.map(drop)
}

/// An operator set another address; the one before gets a mail, too.
pub(crate) async fn email_set(
    target: NoticeTarget<'_>,
    former: Option<&FormerAddress>,
) -> Result<(), DbError> {
    replace_address(target, NoticeKind::EmailSet, NoticeClient::default(), (former, None)).await
}

async fn replace_address(
    target: NoticeTarget<'_>,
    kind: NoticeKind,
    client: NoticeClient<'_>,
    (former, undo): (Option<&FormerAddress>, Option<&LinkToken>),
) -> Result<(), DbError> {
    let written = write(target, kind, client, None).await?;
    let Some(former) = former.filter(|former| former.is_verified || !written.is_protected) else {
        return Ok(());
    };
    let recipient = Recipient { address: &former.email, key: &former.key, ..written.language };
    match undo {
        Some(token) => {
            let token = LinkText(token.expose().to_owned());
            let changed = QueuedMail::AddressChanged { notice: written.notice, token };
            // Never merged: each link is another one.
            put(target, recipient, &changed, false).await
        }
        None => {
            let removed = QueuedMail::AddressRemoved(written.notice);
            put(target, recipient, &removed, written.is_repeated).await
        }
    }
}

/// The address of the account was verified by another user, who has it now.
pub(crate) async fn email_claimed(target: NoticeTarget<'_>) -> Result<(), DbError> {
    write(target, NoticeKind::EmailClaimed, NoticeClient::default(), None).await.map(drop)
}

/// The account has another login name.
pub(crate) async fn login_changed(target: NoticeTarget<'_>, client: NoticeClient<'_>) -> Result<(), DbError> {
    write(target, NoticeKind::LoginChanged, client, None).await.map(drop)
}

/// A sign-in on a device that the account was not used on before.
pub(crate) async fn new_device(target: NoticeTarget<'_>, client: NoticeClient<'_>) -> Result<(), DbError> {
    write(target, NoticeKind::NewDevice, client, None).await.map(drop)
}

/// A session was continued from another network and by another program.
pub(crate) async fn refresh_elsewhere(
    target: NoticeTarget<'_>,
    client: NoticeClient<'_>,
) -> Result<(), DbError> {
    write(target, NoticeKind::RefreshElsewhere, client, None).await.map(drop)
}

/// An account at a provider, of this name, became a sign-in method.
pub(crate) async fn provider_linked(
    target: NoticeTarget<'_>,
    client: NoticeClient<'_>,
    provider: &str,
) -> Result<(), DbError> {
    write(target, NoticeKind::ProviderLinked, client, Some(provider)).await.map(drop)
}

/// An account at a provider, of this name, is no longer a sign-in method.
pub(crate) async fn provider_unlinked(
    target: NoticeTarget<'_>,
    client: NoticeClient<'_>,
    provider: &str,
) -> Result<(), DbError> {
    write(target, NoticeKind::ProviderUnlinked, client, Some(provider)).await.map(drop)
}

/// An operator disabled the account.
pub(crate) async fn account_disabled(target: NoticeTarget<'_>) -> Result<(), DbError> {
    write(target, NoticeKind::AccountDisabled, NoticeClient::default(), None).await.map(drop)
}

/// An operator enabled the account again.
pub(crate) async fn account_enabled(target: NoticeTarget<'_>) -> Result<(), DbError> {
    write(target, NoticeKind::AccountEnabled, NoticeClient::default(), None).await.map(drop)
}

/// An operator ended all sessions, and unlinked what was linked recently.
pub(crate) async fn evicted(target: NoticeTarget<'_>) -> Result<(), DbError> {
    write(target, NoticeKind::Evicted, NoticeClient::default(), None).await.map(drop)
}

/// An operator assigned a role with permissions of this service.
pub(crate) async fn rights_granted(target: NoticeTarget<'_>) -> Result<(), DbError> {
    write(target, NoticeKind::RightsGranted, NoticeClient::default(), None).await.map(drop)
}

/// A superuser made the user a superuser.
pub(crate) async fn superuser_granted(target: NoticeTarget<'_>) -> Result<(), DbError> {
    write(target, NoticeKind::SuperuserGranted, NoticeClient::default(), None).await.map(drop)
}

/// All data of the account was requested.
pub(crate) async fn exported(target: NoticeTarget<'_>, client: NoticeClient<'_>) -> Result<(), DbError> {
    write(target, NoticeKind::Exported, client, None).await.map(drop)
}

/// The account will be erased at this time.
pub(crate) async fn erasure_begun(
    target: NoticeTarget<'_>,
    client: NoticeClient<'_>,
    erase_at: Timestamp,
) -> Result<(), DbError> {
    let about = About { erase_at: Some(erase_at), ..About::default() };
    write_about(target, NoticeKind::ErasureBegun, client, about).await.map(drop)
}

/// The account will not be erased, which it would have been at this time.
pub(crate) async fn erasure_kept(
    target: NoticeTarget<'_>,
    client: NoticeClient<'_>,
    erase_at: Timestamp,
) -> Result<(), DbError> {
    let about = About { erase_at: Some(erase_at), ..About::default() };
    write_about(target, NoticeKind::ErasureKept, client, about).await.map(drop)
}

/// The account is being erased in this transaction: a last mail, and no row.
pub(crate) async fn account_erased(target: NoticeTarget<'_>) -> Result<(), DbError> {
    let NoticeTarget { core, tx, user } = target;
    let at = store::now(tx).await?;
    let kind = NoticeKind::AccountErased;
    let notice =
        Notice { kind, at, software: Software::of(None), network: None, provider: None, erase_at: None };
    let contact = if core.outbox.is_on() { store::contact(tx, user).await? } else { None };
    let locale = contact.as_ref().and_then(|contact| contact.locale.as_deref());
    mail(target, contact.as_ref(), &notice, language_of(locale, None), false).await
}

/// A notice that was written, for further mails about it.
struct WrittenNotice {
    notice: Notice,
    /// A recipient without an address, of the user's language.
    language: Recipient<'static>,
    is_repeated: bool,
    /// Whether an unproven address gets nothing, because the user may act on others: it may be a stranger's.
    is_protected: bool,
}

/// What a notice is about, beside its kind.
#[derive(Clone, Copy, Default)]
struct About<'a> {
    /// The name of an identity provider.
    provider: Option<&'a str>,
    /// When the account will be erased, or would have been.
    erase_at: Option<Timestamp>,
}

async fn write(
    target: NoticeTarget<'_>,
    kind: NoticeKind,
    client: NoticeClient<'_>,
    provider: Option<&str>,
) -> Result<WrittenNotice, DbError> {
    write_about(target, kind, client, About { provider, erase_at: None }).await
}

async fn write_about(
    target: NoticeTarget<'_>,
    kind: NoticeKind,
    client: NoticeClient<'_>,
    About { provider, erase_at }: About<'_>,
) -> Result<WrittenNotice, DbError> {
    let NoticeTarget { core, tx, user } = target;
    let software = Software::of(client.user_agent);
    let network = client.address.map(|address| Network::site(address).address());
    let row = store::NewRow { id: core.random.id(), user, kind, software, network, provider };
    let inserted = store::insert(tx, &row).await?;
    store::trim(tx, user, kind).await?;
    let notice =
        Notice { kind, at: inserted.at, software, network, provider: provider.map(str::to_owned), erase_at };
    let contact = if core.outbox.is_on() { store::contact(tx, user).await? } else { None };
    let locale = contact.as_ref().and_then(|contact| contact.locale.as_deref());
    let language = Recipient { address: "", key: "", language: language_of(locale, client.languages) };
    let written = WrittenNotice {
        notice,
        language,
        is_repeated: inserted.is_repeated,
        is_protected: is_protected(target, contact.as_ref()).await?,
    };
    let language = written.language.language;
    mail(target, contact.as_ref(), &written.notice, language, written.is_repeated).await?;
    Ok(written)
}

/// Whether the user is an operator, whose unproven address may be a stranger's.
async fn is_protected(target: NoticeTarget<'_>, contact: Option<&Contact>) -> Result<bool, DbError> {
    let is_superuser = contact.is_some_and(|contact| contact.is_superuser);
    Ok(is_superuser || access::holds_right(target.tx, target.user).await?)
}

/// Mails a notice to the address of the account, if it has one.
async fn mail(
    target: NoticeTarget<'_>,
    contact: Option<&Contact>,
    notice: &Notice,
    language: Option<Language>,
    is_repeated: bool,
) -> Result<(), DbError> {
    let Some(contact) = contact else { return Ok(()) };
    let Some((address, key)) = &contact.address else { return Ok(()) };
    if !contact.is_verified && is_protected(target, Some(contact)).await? {
        return Ok(());
    }
    let recipient = Recipient { address, key, language };
    put(target, recipient, &QueuedMail::Notice(notice.clone()), is_repeated).await
}

async fn put(
    target: NoticeTarget<'_>,
    recipient: Recipient<'_>,
    queued: &QueuedMail,
    is_repeated: bool,
) -> Result<(), DbError> {
    let merged_for = is_repeated.then_some(target.user);
    let mail = NewMail { id: target.core.random.id(), recipient, queued, merged_for };
    target.core.outbox.put(target.tx, &mail).await.map(drop)
}
