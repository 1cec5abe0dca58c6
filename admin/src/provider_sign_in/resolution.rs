//! Does what the table decides about one identity: signs in, links, creates a user, or leaves it to the user to confirm.

use uuid::Uuid;

use super::decide::{EmailHolder, SignInDecision};
use super::email_proof::{Proved, verify_email};
use super::flow::AskingSession;
use super::identity::ProviderIdentity;
use super::locked_facts::LockedFacts;
use super::outcome::Outcome;
use super::pending_link::{Confirmation, PendingLink};
use super::pending_move::{PendingMove, move_facts};
use super::pending_proof::{Offer, PendingProof};
use super::store;
use crate::actor::Actor;
use crate::api::{Code, Problem};
use crate::config::ConsentVersion;
use crate::context::Context;
use crate::db::Transaction;
use crate::notices::{self, NoticeTarget};
use crate::pending_erasure;
use crate::sessions::history::{self, Event, HistoryEntry, LoginFailure};
use crate::sessions::open::{SignInMethod, open};
use crate::sessions::session::Device;
use crate::sessions::store::stamp;
use crate::users::consents;
use crate::users::email_changes::check_not_frozen;
use crate::users::store::{EMAIL_IS_UNIQUE, NewUser};
use crate::users::{self, EmailAddress, LockedAccount};

/// One identity, being resolved in a transaction.
pub(super) struct Resolution<'r> {
    pub(super) context: &'r Context,
    pub(super) actor: &'r Actor,
    /// The signed-in user who asked to link it.
    pub(super) link: Option<AskingSession>,
    pub(super) identity: &'r ProviderIdentity<'r>,
    /// Whether the page that the browser returns to opens the session.
    pub(super) is_for_page: bool,
    /// The rule of the table.
    pub(super) rule: u8,
    /// The entries that the login history must contain once the transaction has been committed.
    pub(super) history: Vec<HistoryEntry>,
}

/// `None` when another transaction was first, and the facts must be read again.
pub(super) type Applied = Result<Option<Outcome>, Problem>;

impl Resolution<'_> {
    /// Does `decision` in `tx`, which holds the locks of `known`.
    pub(super) async fn apply(
        &mut self,
        tx: &Transaction<'_>,
        decision: SignInDecision,
        known: &LockedFacts<'_>,
    ) -> Applied {
        let (provider, rule) = (self.identity.provider.id(), self.rule);
        tracing::info!(provider, rule, "Applying a rule to a sign-in through an identity provider.");
        let (refuse, account) = (|code| Err(Problem::new(code)), known.account.as_ref());
        match decision {
            SignInDecision::SignIn(user) => self.sign_in(tx, user, account).await,
            SignInDecision::AlreadyLinked => Ok(Some(Outcome::Linked)),
            SignInDecision::LinkedToOther => self.offer_move(tx, known.facts.owner).await,
            SignInDecision::HasOther => refuse(Code::OauthProviderLinked),
            SignInDecision::RequireVerification => Err(self.unverified()),
            SignInDecision::OfferProof => {
                let proof = Some(Box::new(PendingProof::new(self.rule, self.identity)));
                Ok(Some(Outcome::OfferProof { proof, offer: Offer::of(self.context) }))
            }
            SignInDecision::Link(user) => self.link(tx, user, account).await,
            SignInDecision::Confirm(holder) => self.require_confirmation(tx, holder, known).await,
            SignInDecision::Create => self.create(tx, None).await,
            SignInDecision::CreateWithEmail => self.create(tx, self.identity.email.as_ref()).await,
        }
    }

    /// Writes the entries of the login history, after the commit.
    pub(super) async fn record(self) {
        for entry in self.history {
            history::record(self.context, self.actor, entry).await;
        }
    }

    /// Signs in the owner, who proves the address here, too, if the provider vouches for it: from then on it is not lost
    /// to a user who proves it later.
    async fn sign_in(
        &mut self,
        tx: &Transaction<'_>,
        user: Uuid,
        account: Option<&LockedAccount<'_>>,
    ) -> Applied {
        if !store::update(tx, &self.identity.link_to(user, self.rule)).await? {
            return Ok(None);
        }
        if let Some(account) = account {
            let kept = [self.identity.provider.id()];
            let proved = Proved::Identities(&kept);
            self.history
                .extend(verify_email(tx, (self.context, self.actor), account, self.identity, proved).await?);
        }
        self.admit(tx, user, account).await.map(Some)
    }

    /// Signs `user` in: at once, or by a code for the page.
    pub(super) async fn admit(
        &mut self,
        tx: &Transaction<'_>,
        user: Uuid,
        account: Option<&LockedAccount<'_>>,
    ) -> Result<Outcome, Problem> {
        if self.is_for_page { self.code_for(tx, user).await } else { self.open(tx, user, account).await }
    }

    /// For the page that signs `user` in.
    async fn code_for(&self, tx: &Transaction<'_>, user: Uuid) -> Result<Outcome, Problem> {
        let proof = self.identity.proof_of(user, generation(tx, user).await?);
        Ok(Outcome::OneTimeCode { proof: Some(proof) })
    }

    /// Opens a session for `user`, whose account is locked unless it is disabled, and to which the identity is linked.
    async fn open(
        &mut self,
        tx: &Transaction<'_>,
        user: Uuid,
        account: Option<&LockedAccount<'_>>,
    ) -> Result<Outcome, Problem> {
        let entry = |event, session| HistoryEntry { event, user: Some(user), session };
        let Some(account) = account else {
            if pending_erasure::find(&**tx, user).await?.is_some() {
                self.history.push(entry(Event::LoginFailed(LoginFailure::Erasing), None));
                return Ok(Outcome::Erasing { user });
            }
            self.history.push(entry(Event::LoginFailed(LoginFailure::Inactive), None));
            // Committed, so that the login history has the attempt.
            return Ok((&Problem::new(Code::AccountDisabled)).into());
        };
        let device = Device::of(self.actor.client(), None);
        let method = SignInMethod::Provider(self.identity.provider.id());
        let opened = open(tx, self.context, account, method, &device).await?;
        let (provider, subject) = (self.identity.provider.id(), self.identity.subject.as_str());
        store::record_sign_in(tx, provider, subject, user).await?;
        self.history.extend(opened.history(user, Event::ProviderLogin));
        Ok(Outcome::SignedIn { session: opened.session, pair: Some(opened.pair) })
    }

    /// Links the identity to the user who asked for it, or, if the operator allows that, to the holder of the address,
    /// who is then signed in.
    async fn link(
        &mut self,
        tx: &Transaction<'_>,
        user: Uuid,
        account: Option<&LockedAccount<'_>>,
    ) -> Applied {
        check_not_frozen(&**tx, user).await?;
        // A signed-in user has entered the account before.
        if self.link.is_none() {
            let (asked, sent) = (self.context.config.consent.as_ref(), self.identity.consent.as_deref());
            let consent = consents::check_first_use(&**tx, user, asked, sent).await?;
            consents::store::record(tx, user, consent).await?;
        }
        if !store::insert(tx, &self.identity.link_to(user, self.rule)).await? {
            return Ok(None);
        }
        self.history.push(HistoryEntry { event: Event::AccountLinked, user: Some(user), session: None });
        let target = NoticeTarget { core: self.context, tx, user };
        notices::provider_linked(target, self.actor.client().into(), self.identity.provider.name()).await?;
        if let Some(account) = account {
            if self.link.is_none() {
                users::store::void_links(tx, user).await?;
            }
            // Linking asks for a recent sign-in, by rule 7 the address is verified already, and by rule 8 no one else had the
            // account.
            let entries =
                verify_email(tx, (self.context, self.actor), account, self.identity, Proved::Account).await?;
            self.history.extend(entries);
        }
        if self.link.is_some() {
            Ok(Some(Outcome::Linked))
        } else {
            self.admit(tx, user, account).await.map(Some)
        }
    }

    /// For an identity of `owner` that another user asked to link, and so has proved to be both.
    async fn offer_move(&self, tx: &Transaction<'_>, owner: Option<Uuid>) -> Applied {
        let in_use = || Problem::new(Code::OauthAccountInUse);
        let (request, from) = self.link.zip(owner).ok_or_else(in_use)?;
        let linked = store::list(&**tx, request.user).await?;
        let has_other = linked.iter().any(|linked| linked.provider == self.identity.provider.id());
        if has_other || !move_facts(tx, from).await?.may_move() {
            return Err(in_use());
        }
        let moved = PendingMove::new(request, self.identity, from, generation(tx, from).await?);
        Ok(Some(Outcome::OfferMove { moved: Some(Box::new(moved)) }))
    }

    async fn require_confirmation(
        &self,
        tx: &Transaction<'_>,
        holder: EmailHolder,
        known: &LockedFacts<'_>,
    ) -> Applied {
        // The facts of a held address include those of its holder.
        let facts = known.link.as_ref().ok_or_else(|| Problem::new(Code::Internal))?;
        let user = holder.candidate.user;
        let link = PendingLink::new(user, generation(tx, user).await?, self.rule, self.identity);
        Ok(Some(Outcome::ConfirmLink { link: Some(Box::new(link)), confirmation: Confirmation::of(facts) }))
    }

    /// Creates a user with the identity, and signs in.
    pub(super) async fn create(&mut self, tx: &Transaction<'_>, email: Option<&EmailAddress>) -> Applied {
        check_registration(self.context)?;
        let consent = self.consent()?;
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
            Err(error) => return Err(users::taken(error)),
            Ok(_created_at) => {}
        }
        consents::store::record(tx, id, consent).await?;
        if !store::insert(tx, &self.identity.link_to(id, self.rule)).await? {
            return Ok(None);
        }
        tracing::info!(user = %id, provider = self.identity.provider.id(), "A user registered through a provider.");
        let account = users::store::lock_for_sign_in(tx, id).await?;
        self.admit(tx, id, account.as_ref()).await.map(Some)
    }

    /// The consent to be stored with a new account.
    fn consent(&self) -> Result<Option<&ConsentVersion>, Problem> {
        consents::check(self.context.config.consent.as_ref(), self.identity.consent.as_deref())
    }

    fn unverified(&self) -> Problem {
        Problem::new(Code::EmailProofRequired).detail(format!(
            "{} does not confirm that the address is yours. Sign in with another method, and link the account then.",
            self.identity.provider.name()
        ))
    }
}

/// The generation of the user's tokens.
pub(super) async fn generation(tx: &Transaction<'_>, user: Uuid) -> Result<u64, Problem> {
    let stamp = stamp(tx, user).await?;
    stamp.map(|stamp| stamp.generation).ok_or_else(|| Problem::new(Code::StateInvalid))
}

fn check_registration(context: &Context) -> Result<(), Problem> {
    match context.config.registration.is_for_everyone() {
        true => Ok(()),
        false => Err(Problem::new(Code::RegistrationClosed)),
    }
}
