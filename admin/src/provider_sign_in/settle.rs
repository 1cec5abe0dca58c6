//! Makes true what the table says of somebody who came back: links, makes a user, or refuses.

use uuid::Uuid;

use super::begin::Aim;
use super::decide::{Address, Decision, Facts, Holder, Policy, Purpose, decide};
use super::store::{self, NewAccount, Snapshot};
use crate::api::{Code, Problem, Request};
use crate::config::Registration;
use crate::db::{DbError, Transaction};
use crate::providers::{Person, Provider};
use crate::sessions::history::{self, Entry, Event};
use crate::sessions::renew::end_older;
use crate::sessions::session::EndReason;
use crate::sessions::store::{stamp, stands};
use crate::users::store::{EMAIL_IS_UNIQUE, NewUser};
use crate::users::{self, EmailAddress, profile};

/// Two who come back at once for one person, or one address, are in each other's way; each of them once.
const TRIES: u32 = 3;

/// Somebody who came back from a provider, with what they are called made fit to be kept.
pub(super) struct Comer<'c> {
    pub(super) provider: &'c Provider,
    pub(super) subject: &'c str,
    email: Option<EmailAddress>,
    is_email_vouched: bool,
    name: Option<String>,
}

/// What became of them.
pub(super) enum Settled {
    /// They are this user, and may sign in.
    User(Uuid),
    /// The account is linked to whoever asked for it.
    Linked,
    /// They may be this user, who has to confirm it with their password, if they have one.
    Confirm { user: Uuid, rule: u8, has_password: bool },
}

/// What one try came to.
enum Tried {
    Done(Settled, Vec<Entry>),
    /// Somebody else was first.
    Again,
}

/// Whoever has the address that somebody came with.
#[derive(Clone, Copy)]
struct Found {
    address: Address,
    has_password: bool,
}

impl<'c> Comer<'c> {
    /// What is kept of `person`. An address of a form that is not accepted here is none.
    pub(super) fn new(provider: &'c Provider, person: &'c Person) -> Self {
        Self {
            provider,
            subject: &person.subject,
            email: person.email.as_deref().and_then(|email| email.parse().ok()),
            is_email_vouched: person.is_email_vouched,
            name: person.name.as_deref().and_then(profile::name_from),
        }
    }

    /// Notes that the address of `user` is theirs, where it is the one that is vouched for here. Else they would lose it
    /// to themselves, should they come through another provider one day.
    async fn prove_address_of(&self, tx: &Transaction<'_>, user: Uuid) -> Result<(), DbError> {
        match &self.email {
            Some(email) if self.is_email_vouched => users::store::prove_email(tx, user, email).await,
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn snapshot(&self) -> Snapshot<'_> {
        Snapshot {
            email: self.email.as_ref().map(EmailAddress::as_str),
            is_email_vouched: self.is_email_vouched && self.email.is_some(),
            display_name: self.name.as_deref(),
        }
    }
}

/// Settles who somebody is, in a transaction that asks and acts with everybody concerned held.
///
/// # Errors
///
/// 409 `oauth_account_in_use`, `oauth_provider_linked` or `email_proof_required`; 403 `registration_closed` where it
/// takes a new user, `account_disabled` where the address is that of somebody who is; 401 `token_revoked` when the session that asked to link has ended; 503.
pub(super) async fn settle(request: &Request, comer: &Comer<'_>, aim: Aim) -> Result<Settled, Problem> {
    for _ in 0..TRIES {
        match settle_once(request, comer, aim).await? {
            Tried::Done(settled, entries) => {
                for entry in entries {
                    history::record(&request.context, &request.actor(), entry).await;
                }
                return Ok(settled);
            }
            Tried::Again => {}
        }
    }
    tracing::warn!("Somebody who came back from a provider lost every race; they may try again.");
    Err(Problem::new(Code::Overloaded))
}

async fn settle_once(request: &Request, comer: &Comer<'_>, aim: Aim) -> Result<Tried, Problem> {
    let mut connection = request.context.db.get().await?;
    let tx = connection.begin().await?;
    // Whoever links is held first: their sessions, and what is linked to them, are asked for then.
    let purpose = purpose(&tx, comer, aim).await?;
    let owner = store::owner(&*tx, comer.provider.id(), comer.subject).await?;
    let found = match (purpose, owner) {
        (Purpose::SignIn, None) => {
            let found = address(&tx, comer).await?;
            // Whoever was waited for may have been this very person, in another tab.
            if store::owner(&*tx, comer.provider.id(), comer.subject).await?.is_some() {
                return Ok(Tried::Again);
            }
            found
        }
        // Nobody is looked for by an address then.
        (Purpose::SignIn, Some(_)) | (Purpose::Link { .. }, _) => {
            Found { address: Address::Absent, has_password: false }
        }
    };
    let providers = &request.context.config.providers;
    let policy =
        Policy { link_verified: providers.link_verified, untrusted_email: providers.untrusted_email };
    let (rule, decision) = decide(Facts { owner, purpose, address: found.address }, policy);
    tracing::info!(provider = comer.provider.id(), rule, "Somebody came back from an identity provider.");
    let tried = apply(request, &tx, comer, rule, decision, found).await?;
    match tried {
        Tried::Done(..) => tx.commit().await?,
        Tried::Again => tx.rollback().await?,
    }
    Ok(tried)
}

async fn purpose(tx: &Transaction<'_>, comer: &Comer<'_>, aim: Aim) -> Result<Purpose, Problem> {
    let Aim::Link { user, session, generation } = aim else { return Ok(Purpose::SignIn) };
    let account = users::store::lock_for_change(tx, user).await?;
    let is_current = stamp(tx, user).await?.is_some_and(|stamp| stamp.generation == generation);
    if account.is_none() || !is_current || !stands(tx, session, user).await? {
        return Err(Problem::new(Code::TokenRevoked).detail("What asked to link it is over; ask again."));
    }
    Ok(Purpose::Link { user, has_another: has_another(tx, comer, user).await? })
}

/// Whether somebody has another account of the same provider.
async fn has_another(tx: &Transaction<'_>, comer: &Comer<'_>, user: Uuid) -> Result<bool, DbError> {
    let linked = store::list(&**tx, user).await?;
    let is_another = |account: &store::Account| {
        account.provider == comer.provider.id() && account.subject != comer.subject
    };
    Ok(linked.iter().any(is_another))
}

/// Looks for whoever has the address, only where the provider vouches for it.
async fn address(tx: &Transaction<'_>, comer: &Comer<'_>) -> Result<Found, Problem> {
    let found = |address| Found { address, has_password: false };
    let Some(email) = &comer.email else { return Ok(found(Address::Absent)) };
    if !comer.is_email_vouched {
        return Ok(found(Address::Untrusted));
    }
    let Some(holder) = users::store::lock_email_holder(tx, email).await? else {
        return Ok(found(Address::Trusted(Holder::Nobody)));
    };
    // Nobody gets around that by coming another way.
    if !holder.is_active {
        return Err(Problem::new(Code::AccountDisabled));
    }
    let address = Address::Trusted(match holder.is_verified {
        true => Holder::Proved { user: holder.id, has_another: has_another(tx, comer, holder.id).await? },
        false => Holder::Unproved(holder.id),
    });
    Ok(Found { address, has_password: holder.has_password })
}

async fn apply(
    request: &Request,
    tx: &Transaction<'_>,
    comer: &Comer<'_>,
    rule: u8,
    decision: Decision,
    found: Found,
) -> Result<Tried, Problem> {
    let refuse = |code| Err(Problem::new(code));
    match decision {
        Decision::SignIn(user) => {
            comer.prove_address_of(tx, user).await?;
            store::note_person(tx, comer.provider.id(), comer.subject, comer.snapshot()).await?;
            Ok(Tried::Done(Settled::User(user), Vec::new()))
        }
        Decision::AlreadyLinked => Ok(Tried::Done(Settled::Linked, Vec::new())),
        Decision::InUse => refuse(Code::OauthAccountInUse),
        Decision::HasAnother => refuse(Code::OauthProviderLinked),
        Decision::ProveAddress => Err(Problem::new(Code::EmailProofRequired).detail(format!(
            "{} does not say that the address is yours. Sign in another way, and link the account then.",
            comer.provider.name()
        ))),
        Decision::Link(user) => link(tx, comer, rule, user, found).await,
        Decision::Confirm(user) => {
            let has_password = found.has_password;
            Ok(Tried::Done(Settled::Confirm { user, rule, has_password }, Vec::new()))
        }
        Decision::Create => create(request, tx, comer, rule, None).await,
        Decision::CreateWithAddress => create(request, tx, comer, rule, comer.email.as_ref()).await,
        Decision::TakeAddress(holder) => {
            check_registration(request)?;
            let generation = users::store::withdraw_email(tx, holder).await?;
            let issuer = &request.context.issuer;
            end_older(tx, issuer, holder, None, generation, EndReason::EmailClaimed).await?;
            let tried = create(request, tx, comer, rule, comer.email.as_ref()).await?;
            Ok(tried.and(Entry { event: Event::EmailClaimed, user: Some(holder), session: None }))
        }
    }
}

/// Links to somebody who asked for it, or, if the operator wants that, to whoever has the address.
async fn link(
    tx: &Transaction<'_>,
    comer: &Comer<'_>,
    rule: u8,
    user: Uuid,
    found: Found,
) -> Result<Tried, Problem> {
    if !store::insert(tx, &new_account(comer, rule, user)).await? {
        return Ok(Tried::Again);
    }
    comer.prove_address_of(tx, user).await?;
    let settled = match found.address {
        Address::Trusted(Holder::Proved { user: holder, .. }) if holder == user => Settled::User(user),
        Address::Absent | Address::Untrusted | Address::Trusted(_) => Settled::Linked,
    };
    Ok(Tried::Done(settled, vec![Entry { event: Event::AccountLinked, user: Some(user), session: None }]))
}

async fn create(
    request: &Request,
    tx: &Transaction<'_>,
    comer: &Comer<'_>,
    rule: u8,
    email: Option<&EmailAddress>,
) -> Result<Tried, Problem> {
    check_registration(request)?;
    let id = request.context.random.id();
    let new = NewUser {
        id,
        email,
        is_email_verified: email.is_some(),
        login: None,
        password_hash: None,
        display_name: comer.name.as_deref(),
        locale: None,
        is_superuser: false,
    };
    match users::store::insert(&**tx, &new).await {
        Err(error) if error.constraint() == Some(EMAIL_IS_UNIQUE) => return Ok(Tried::Again),
        Err(error) => return Err(error.into()),
        Ok(_created_at) => {}
    }
    if !store::insert(tx, &new_account(comer, rule, id)).await? {
        return Ok(Tried::Again);
    }
    tracing::info!(user = %id, provider = comer.provider.id(), "A person registered through a provider.");
    Ok(Tried::Done(Settled::User(id), Vec::new()))
}

fn check_registration(request: &Request) -> Result<(), Problem> {
    match request.context.config.registration {
        Registration::Open => Ok(()),
        Registration::Closed => Err(Problem::new(Code::RegistrationClosed)),
    }
}

fn new_account<'n>(comer: &'n Comer<'_>, rule: u8, user: Uuid) -> NewAccount<'n> {
    NewAccount {
        provider: comer.provider.id(),
        subject: comer.subject,
        user,
        rule,
        snapshot: comer.snapshot(),
    }
}

impl Tried {
    /// The same, and one more thing to remember of it.
    fn and(self, entry: Entry) -> Self {
        match self {
            Self::Done(settled, mut entries) => {
                entries.push(entry);
                Self::Done(settled, entries)
            }
            Self::Again => Self::Again,
        }
    }
}
