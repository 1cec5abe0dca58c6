//! Does what the table decides: signs in, links, creates a user, or refuses.

use uuid::Uuid;

use super::decide::Decision;
use super::flow::{Flow, Purpose};
use super::identity::ProviderIdentity;
use super::outcome::Outcome;
use super::pending_link::PendingLink;
use super::return_to::ReturnTo;
use super::sign_in::{PendingSignIn, ProviderProof};
use super::store;
use crate::actor::Actor;
use crate::api::{Code, Problem};
use crate::config::Registration;
use crate::context::Context;
use crate::db::{DbError, Transaction};
use crate::sessions::history::{Entry, Event, Failure};
use crate::sessions::open::{SignInMethod, open};
use crate::sessions::renew::end_older;
use crate::sessions::session::{Device, EndReason};
use crate::users::store::{EMAIL_IS_UNIQUE, NewUser};
use crate::users::{self, EmailAddress, LockedAccount};

/// One identity, being resolved in a transaction.
pub(super) struct Resolution<'r> {
    pub(super) context: &'r Context,
    pub(super) actor: &'r Actor,
    pub(super) flow: &'r Flow,
    pub(super) identity: &'r ProviderIdentity<'r>,
    /// The page that the browser returns to, and the browser's fingerprint.
    pub(super) page: Option<(&'r ReturnTo, &'r str)>,
    /// The rule of the table.
    pub(super) rule: u8,
    /// What the login history must contain once the transaction has been committed.
    pub(super) history: Vec<Entry>,
}

/// `None` when another transaction was first, and the facts must be read again.
type Applied = Result<Option<Outcome>, Problem>;

impl Resolution<'_> {
    /// Does `decision` in `tx`, which holds the lock of `account`.
    pub(super) async fn apply(
        &mut self,
        tx: &Transaction<'_>,
        decision: Decision,
        account: Option<&LockedAccount<'_>>,
    ) -> Applied {
        let refuse = |code| Err(Problem::new(code));
        match decision {
            Decision::SignIn(user) => {
                self.verify_email_of(tx, user).await?;
                let is_sign_in = self.page.is_none() && account.is_some();
                match store::update(tx, &self.identity.link_to(user, self.rule, is_sign_in)).await? {
                    true => self.sign_in(tx, user, account).await,
                    false => Ok(None),
                }
            }
            Decision::AlreadyLinked => Ok(Some(Outcome::Linked)),
            Decision::LinkedToOther => refuse(Code::OauthAccountInUse),
            Decision::HasOther => refuse(Code::OauthProviderLinked),
            Decision::RequireVerification => Err(self.unverified()),
            Decision::Link(user) => self.link(tx, user, account).await,
            Decision::RequirePassword(user) => self.require_password(user, account),
            Decision::Create => self.create(tx, None).await,
            Decision::CreateWithEmail => self.create(tx, self.identity.email.as_ref()).await,
            Decision::TransferEmail(holder) => {
                check_registration(self.context)?;
                let generation = users::store::withdraw_email(tx, holder).await?;
                let issuer = &self.context.issuer;
                end_older(tx, issuer, holder, None, generation, EndReason::EmailClaimed).await?;
                self.history.push(Entry { event: Event::EmailClaimed, user: Some(holder), session: None });
                self.create(tx, self.identity.email.as_ref()).await
            }
        }
    }

    /// Signs `user` in, whose account is locked unless it is disabled: with a session, or, when the browser returns to
    /// a page, with a code that the page exchanges for one.
    async fn sign_in(
        &mut self,
        tx: &Transaction<'_>,
        user: Uuid,
        account: Option<&LockedAccount<'_>>,
    ) -> Applied {
        let provider = self.identity.provider.id();
        if let Some((page, browser)) = self.page {
            let (provider, subject) = (provider.to_owned(), self.identity.subject.clone());
            let proof = ProviderProof { user, provider, subject };
            let sign_in = PendingSignIn { proof, browser: browser.to_owned() };
            return Ok(Some(Outcome::OneTimeCode { sign_in, page: page.clone() }));
        }
        let entry = |event, session| Entry { event, user: Some(user), session };
        let Some(account) = account else {
            self.history.push(entry(Event::LoginFailed(Failure::Inactive), None));
            return Ok(Some(Outcome::Disabled));
        };
        let device = Device::of(self.actor.client(), None);
        let opened = open(tx, self.context, account, SignInMethod::Provider(provider), &device).await?;
        self.history.push(entry(Event::ProviderLogin, Some(opened.session)));
        Ok(Some(Outcome::SignedIn(opened.pair)))
    }

    /// Links the identity to the user who asked for it, or, if the operator allows that, to the holder of the address,
    /// who is then signed in.
    async fn link(
        &mut self,
        tx: &Transaction<'_>,
        user: Uuid,
        account: Option<&LockedAccount<'_>>,
    ) -> Applied {
        let is_sign_in = self.page.is_none() && self.flow.purpose == Purpose::SignIn;
        if !store::insert(tx, &self.identity.link_to(user, self.rule, is_sign_in)).await? {
            return Ok(None);
        }
        self.verify_email_of(tx, user).await?;
        self.history.push(Entry { event: Event::AccountLinked, user: Some(user), session: None });
        match self.flow.purpose {
            Purpose::Link { .. } => Ok(Some(Outcome::Linked)),
            Purpose::SignIn => self.sign_in(tx, user, account).await,
        }
    }

    fn require_password(&self, user: Uuid, account: Option<&LockedAccount<'_>>) -> Applied {
        if account.is_none_or(|account| account.has_hash(None)) {
            return Err(Problem::new(Code::LinkConfirmationRequired)
                .detail("Sign in with the method that you used before, and link this account then."));
        }
        let browser = self.flow.initiator.browser().map(str::to_owned);
        Ok(Some(Outcome::ConfirmLink(PendingLink::new(user, self.rule, self.identity, browser))))
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
        if !store::insert(tx, &self.identity.link_to(id, self.rule, self.page.is_none())).await? {
            return Ok(None);
        }
        tracing::info!(user = %id, provider = self.identity.provider.id(), "A user registered through a provider.");
        let account = users::store::lock_for_sign_in(tx, id).await?;
        self.sign_in(tx, id, account.as_ref()).await
    }

    /// Marks the address of `user` as verified, if it is the one that the provider vouches for. Otherwise the user
    /// would lose it to themselves after a sign-in through another provider.
    async fn verify_email_of(&self, tx: &Transaction<'_>, user: Uuid) -> Result<(), DbError> {
        match self.identity.vouched_email() {
            Some(email) => users::store::prove_email(tx, user, email).await,
            None => Ok(()),
        }
    }

    fn unverified(&self) -> Problem {
        Problem::new(Code::EmailProofRequired).detail(format!(
            "{} does not confirm that the address is yours. Sign in with another method, and link the account then.",
            self.identity.provider.name()
        ))
    }
}

fn check_registration(context: &Context) -> Result<(), Problem> {
    match context.config.registration {
        Registration::Open => Ok(()),
        Registration::Closed => Err(Problem::new(Code::RegistrationClosed)),
    }
}
