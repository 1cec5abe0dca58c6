//! Resolves who the user of an identity is, and does what the table decides (signs in, links, creates a user, or
//! refuses): in one transaction, with the account concerned locked once.

use uuid::Uuid;

use super::decide::{Candidate, Email, IdentityFacts, LinkPolicy, SignInDecision, decide};
use super::flow::{Flow, FlowPurpose};
use super::identity::ProviderIdentity;
use super::outcome::Outcome;
use super::pending_link::PendingLink;
use super::store;
use crate::actor::Actor;
use crate::api::{Code, Problem};
use crate::config::Registration;
use crate::context::Context;
use crate::db::{DbError, Transaction};
use crate::evict::evict;
use crate::sessions::history::{self, Event, HistoryEntry, LoginFailure};
use crate::sessions::open::{SignInMethod, open};
use crate::sessions::session::{Device, EndReason};
use crate::sessions::store::{stamp, stands};
use crate::users::store::{
    EMAIL_IS_UNIQUE, EmailHolder, NewUser, lock_email_holder, lock_for_change, lock_linked,
};
use crate::users::{self, EmailAddress, LockedAccount};

/// How often the transaction is tried. Two users who return at the same time with one identity or one address conflict,
/// each of them once.
const ATTEMPTS: u32 = 3;

/// The facts, and the only account that they allow to change or to sign in. It is locked, so they stay true.
struct LockedFacts<'t> {
    facts: IdentityFacts,
    /// The owner, the user who asked to link, or the holder of the address. `None` when there is none, or the owner's
    /// account is disabled.
    account: Option<LockedAccount<'t>>,
}

/// One identity, being resolved in a transaction.
struct Resolution<'r> {
    context: &'r Context,
    actor: &'r Actor,
    purpose: FlowPurpose,
    identity: &'r ProviderIdentity<'r>,
    /// Whether the page that the browser returns to opens the session.
    is_for_page: bool,
    /// The rule of the table.
    rule: u8,
    /// The entry that the login history must contain once the transaction has been committed.
    history: Vec<HistoryEntry>,
}

/// `None` when another transaction was first, and the facts must be read again.
type Applied = Result<Option<Outcome>, Problem>;

/// Resolves `identity` for `flow`. The session of a sign-in `is_for_page` when the page that the browser returns to
/// opens it.
///
/// # Errors
///
/// 409 `oauth_account_in_use`, `oauth_provider_linked` or `email_proof_required`; 403 `registration_closed` for a new
/// user, `account_disabled` for the address of a disabled account; 401 `token_revoked` when the session that asked to
/// link has ended; 503.
pub(super) async fn resolve(
    context: &Context,
    actor: &Actor,
    flow: &Flow,
    identity: &ProviderIdentity<'_>,
    is_for_page: bool,
) -> Result<Outcome, Problem> {
    let providers = &context.config.providers;
    let policy =
        LinkPolicy { link_verified: providers.link_verified, untrusted_email: providers.untrusted_email };
    for _ in 0..ATTEMPTS {
        let mut connection = context.db.get().await?;
        let tx = connection.begin().await?;
        let known = match flow.purpose {
            FlowPurpose::Link { user, session, generation } => {
                Some(facts_to_link(&tx, identity, (user, session, generation)).await?)
            }
            FlowPurpose::SignIn => match lock_linked(&tx, identity.provider.id(), &identity.subject).await? {
                Some((owner, account)) => Some(LockedFacts {
                    facts: IdentityFacts { owner: Some(owner), link_to: None, email: Email::Absent },
                    account,
                }),
                None => facts_of_new(&tx, identity).await?,
            },
        };
        let Some(known) = known else { continue };
        let (rule, decision) = decide(known.facts, policy);
        let mut resolution = Resolution {
            context,
            actor,
            purpose: flow.purpose,
            identity,
            is_for_page,
            rule,
            history: Vec::new(),
        };
        let Some(outcome) = resolution.apply(&tx, decision, known.account.as_ref()).await? else { continue };
        tx.commit().await?;
        for entry in resolution.history {
            history::record(context, actor, entry).await;
        }
        return Ok(outcome);
    }
    tracing::warn!("Sign-in through a provider gave up after repeated conflicts.");
    Err(Problem::new(Code::Overloaded))
}

/// The facts of a request to link, whose account is locked, if its session and its generation of tokens still count.
///
/// # Errors
///
/// 401 `token_revoked` when they do not; 503.
async fn facts_to_link<'t>(
    tx: &'t Transaction<'_>,
    identity: &ProviderIdentity<'_>,
    (user, session, generation): (Uuid, Uuid, u64),
) -> Result<LockedFacts<'t>, Problem> {
    let account = lock_for_change(tx, user).await?;
    let is_current = stamp(tx, user).await?.is_some_and(|stamp| stamp.generation == generation);
    if account.is_none() || !is_current || !stands(tx, session, user).await? {
        return Err(Problem::new(Code::TokenRevoked)
            .detail("The session that requested linking has ended; start again."));
    }
    let link_to = Some(Candidate { user, has_other: has_other(tx, identity, user).await? });
    let owner = store::owner(tx, identity.provider.id(), &identity.subject).await?;
    Ok(LockedFacts { facts: IdentityFacts { owner, link_to, email: Email::Absent }, account })
}

/// The facts of an identity that is linked to no user; its address is looked up only if the provider vouches for it.
/// `None` when another transaction has linked the identity meanwhile.
///
/// # Errors
///
/// 403 `account_disabled` when the address is that of a disabled account; 503.
async fn facts_of_new<'t>(
    tx: &'t Transaction<'_>,
    identity: &ProviderIdentity<'_>,
) -> Result<Option<LockedFacts<'t>>, Problem> {
    let (email, account) = match (&identity.email, identity.vouched_email()) {
        (None, _) => (Email::Absent, None),
        (Some(_), None) => (Email::Untrusted, None),
        (Some(_), Some(email)) => match lock_email_holder(tx, email).await? {
            None => (Email::Free, None),
            // A disabled user must not return as a new one.
            Some(EmailHolder::Disabled) => return Err(Problem::new(Code::AccountDisabled)),
            Some(EmailHolder::Active { account, is_verified: false }) => {
                (Email::Unverified(account.id()), Some(account))
            }
            Some(EmailHolder::Active { account, is_verified: true }) => {
                let user = account.id();
                let has_other = has_other(tx, identity, user).await?;
                (Email::Verified(Candidate { user, has_other }), Some(account))
            }
        },
    };
    // The transaction that held the lock may have been the same user's, in another tab.
    let is_linked = store::owner(tx, identity.provider.id(), &identity.subject).await?.is_some();
    let facts = IdentityFacts { owner: None, link_to: None, email };
    Ok((!is_linked).then_some(LockedFacts { facts, account }))
}

/// Whether another identity of the same provider is linked to the user.
async fn has_other(
    tx: &Transaction<'_>,
    identity: &ProviderIdentity<'_>,
    user: Uuid,
) -> Result<bool, DbError> {
    let linked = store::list(&**tx, user).await?;
    let is_other = |account: &store::LinkedAccount| {
        account.provider == identity.provider.id() && account.subject != identity.subject
    };
    Ok(linked.iter().any(is_other))
}

impl Resolution<'_> {
    /// Does `decision` in `tx`, which holds the lock of `account`.
    async fn apply(
        &mut self,
        tx: &Transaction<'_>,
        decision: SignInDecision,
        account: Option<&LockedAccount<'_>>,
    ) -> Applied {
        let (provider, rule) = (self.identity.provider.id(), self.rule);
        tracing::info!(provider, rule, "Applying a rule to a sign-in through an identity provider.");
        let refuse = |code| Err(Problem::new(code));
        match decision {
            SignInDecision::SignIn(user) => {
                let is_sign_in = !self.is_for_page && account.is_some();
                match store::update(tx, &self.identity.link_to(user, self.rule, is_sign_in)).await? {
                    false => Ok(None),
                    true if self.is_for_page => self.code_for(tx, user).await,
                    true => self.open(tx, user, account).await,
                }
            }
            SignInDecision::AlreadyLinked => Ok(Some(Outcome::Linked)),
            SignInDecision::LinkedToOther => refuse(Code::OauthAccountInUse),
            SignInDecision::HasOther => refuse(Code::OauthProviderLinked),
            SignInDecision::RequireVerification => Err(self.unverified()),
            SignInDecision::Link(user) => self.link(tx, user, account).await,
            SignInDecision::RequirePassword(user) => self.require_password(tx, user, account).await,
            SignInDecision::Create => self.create(tx, None).await,
            SignInDecision::CreateWithEmail => self.create(tx, self.identity.email.as_ref()).await,
            SignInDecision::TransferEmail(holder) => {
                check_registration(self.context)?;
                users::store::withdraw_email(tx, holder).await?;
                let evicted = evict(tx, self.context, holder, EndReason::EmailClaimed).await?;
                self.history.extend(evicted.history(holder, Event::EmailClaimed));
                self.create(tx, self.identity.email.as_ref()).await
            }
        }
    }

    /// For the page that signs `user` in.
    async fn code_for(&self, tx: &Transaction<'_>, user: Uuid) -> Applied {
        let proof = self.identity.proof_of(user, generation(tx, user).await?);
        Ok(Some(Outcome::OneTimeCode { proof: Some(proof) }))
    }

    /// Opens a session for `user`, whose account is locked unless it is disabled.
    async fn open(
        &mut self,
        tx: &Transaction<'_>,
        user: Uuid,
        account: Option<&LockedAccount<'_>>,
    ) -> Applied {
        let entry = |event, session| HistoryEntry { event, user: Some(user), session };
        let Some(account) = account else {
            self.history.push(entry(Event::LoginFailed(LoginFailure::Inactive), None));
            // Committed, so that the login history has the attempt.
            return Ok(Some((&Problem::new(Code::AccountDisabled)).into()));
        };
        let device = Device::of(self.actor.client(), None);
        let method = SignInMethod::Provider(self.identity.provider.id());
        let opened = open(tx, self.context, account, method, &device).await?;
        self.history.extend(opened.history(user, Event::ProviderLogin));
        Ok(Some(Outcome::SignedIn { session: opened.session, pair: Some(opened.pair) }))
    }

    /// Links the identity to the user who asked for it, or, if the operator allows that, to the holder of the address,
    /// who is then signed in.
    async fn link(
        &mut self,
        tx: &Transaction<'_>,
        user: Uuid,
        account: Option<&LockedAccount<'_>>,
    ) -> Applied {
        let is_sign_in = !self.is_for_page && self.purpose == FlowPurpose::SignIn;
        if !store::insert(tx, &self.identity.link_to(user, self.rule, is_sign_in)).await? {
            return Ok(None);
        }
        self.history.push(HistoryEntry { event: Event::AccountLinked, user: Some(user), session: None });
        match self.purpose {
            FlowPurpose::Link { .. } => Ok(Some(Outcome::Linked)),
            FlowPurpose::SignIn if self.is_for_page => self.code_for(tx, user).await,
            FlowPurpose::SignIn => self.open(tx, user, account).await,
        }
    }

    async fn require_password(
        &self,
        tx: &Transaction<'_>,
        user: Uuid,
        account: Option<&LockedAccount<'_>>,
    ) -> Applied {
        if account.is_none_or(|account| account.has_hash(None)) {
            return Err(Problem::new(Code::LinkConfirmationRequired)
                .detail("Sign in with the method that you used before, then link this account."));
        }
        let link = PendingLink::new(user, generation(tx, user).await?, self.rule, self.identity);
        Ok(Some(Outcome::ConfirmLink { link: Some(Box::new(link)) }))
    }

    async fn create(&mut self, tx: &Transaction<'_>, email: Option<&EmailAddress>) -> Applied {
        check_registration(self.context)?;
        let id = self.context.random.id();
        let new = NewUser {
            id,
            email,
            is_email_verified: email.is_some(),
            login: None,
            password_hash: None,
            display_name: self.identity.display_name.as_deref(),
            locale: None,
            is_superuser: false,
        };
        match users::store::insert(&**tx, &new).await {
            Err(error) if error.constraint() == Some(EMAIL_IS_UNIQUE) => return Ok(None),
            Err(error) => return Err(error.into()),
            Ok(_created_at) => {}
        }
        if !store::insert(tx, &self.identity.link_to(id, self.rule, !self.is_for_page)).await? {
            return Ok(None);
        }
        tracing::info!(user = %id, provider = self.identity.provider.id(), "A user registered through a provider.");
        if self.is_for_page {
            return self.code_for(tx, id).await;
        }
        let account = users::store::lock_for_sign_in(tx, id).await?;
        self.open(tx, id, account.as_ref()).await
    }

    fn unverified(&self) -> Problem {
        Problem::new(Code::EmailProofRequired).detail(format!(
            "{} does not confirm that the address is yours. Sign in with another method, then link the account.",
            self.identity.provider.name()
        ))
    }
}

/// The generation of the user's tokens.
async fn generation(tx: &Transaction<'_>, user: Uuid) -> Result<u64, Problem> {
    let stamp = stamp(tx, user).await?;
    stamp.map(|stamp| stamp.generation).ok_or_else(|| Problem::new(Code::StateInvalid))
}

fn check_registration(context: &Context) -> Result<(), Problem> {
    match context.config.registration {
        Registration::Open => Ok(()),
        Registration::Closed => Err(Problem::new(Code::RegistrationClosed)),
    }
}
