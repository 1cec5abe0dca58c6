//! The outcome of a callback, and the response for it.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::flow::Initiator;
use super::one_time::{self, NewValue, OneTimeError, OneTimeKind, Ticket};
use super::pending_link::{Confirmation, PendingLink};
use super::pending_move::PendingMove;
use super::pending_proof::{Offer, PendingProof};
use super::proven_again::ProvenAgain;
use super::return_to::ReturnTo;
use super::secret;
use super::sign_in::ProviderProof;
use crate::actor::Client;
use crate::api::{Code, KeptProblem, Problem, Response};
use crate::context::Context;
use crate::metrics::CallbackOutcome;
use crate::pending_erasure;
use crate::providers::Provider;
use crate::sessions::{Pair, pair_again};

/// The outcome of a callback. The skipped members are for the first response and the values that follow from it; what is
/// kept for a repeated request has no secret and no token.
#[derive(Serialize, Deserialize)]
pub(super) enum Outcome {
    /// The user is signed in to this session.
    SignedIn {
        session: Uuid,
        #[serde(skip)]
        pair: Option<Pair>,
    },
    /// The page to which the browser returns will sign the user in.
    OneTimeCode {
        #[serde(skip)]
        proof: Option<ProviderProof>,
    },
    /// The identity is linked to the user who asked for it.
    Linked,
    /// The user must confirm the link, or decline.
    ConfirmLink {
        #[serde(skip)]
        link: Option<Box<PendingLink>>,
        confirmation: Confirmation,
    },
    /// The provider does not vouch for an address: the user may prove to have an account already.
    OfferProof {
        #[serde(skip)]
        proof: Option<Box<PendingProof>>,
        offer: Offer,
    },
    /// The account at the provider is linked to another user, and may be moved.
    OfferMove {
        #[serde(skip)]
        moved: Option<Box<PendingMove>>,
    },
    /// The user of a session has proved again who they are, and the page will get a token that says so.
    Proven {
        #[serde(skip)]
        proven: Option<ProvenAgain>,
    },
    /// The account of this user will be erased, unless the user keeps it.
    Erasing { user: Uuid },
    /// It failed.
    Failed(KeptProblem),
}

/// The outcome, and the page to which the browser returns with it.
#[derive(Serialize, Deserialize)]
pub(super) struct FinishedFlow {
    pub(super) page: Option<ReturnTo>,
    pub(super) outcome: Outcome,
}

/// A token pair, or, after linking, the provider.
#[derive(Serialize, ToSchema)]
#[schema(as = CallbackAnswer)]
#[serde(untagged)]
pub(super) enum CallbackAnswer {
    SignedIn(Pair),
    Linked(Linked),
}

/// An account at a provider was linked.
#[derive(Serialize, ToSchema)]
pub(super) struct Linked {
    /// The provider.
    linked: String,
}

impl Linked {
    pub(super) fn new(linked: String) -> Self {
        Self { linked }
    }
}

impl Outcome {
    /// The one-time value that follows from it, under a secret that follows from `secrets`: those of the flow and of
    /// `initiator`, which alone may use it.
    pub(super) fn follow_up(
        &self,
        initiator: &Initiator,
        secrets: [&str; 2],
    ) -> Result<Option<NewValue>, OneTimeError> {
        let owner = initiator.owner_afterwards();
        match self {
            Self::OneTimeCode { proof } => NewValue::new(
                OneTimeKind::SignIn,
                follow_up_secret(OneTimeKind::SignIn, secrets),
                owner,
                proof,
            )
            .map(Some),
            Self::ConfirmLink { link, .. } => {
                NewValue::new(OneTimeKind::Link, follow_up_secret(OneTimeKind::Link, secrets), owner, link)
                    .map(Some)
            }
            Self::OfferProof { proof, .. } => {
                NewValue::new(OneTimeKind::Proof, follow_up_secret(OneTimeKind::Proof, secrets), owner, proof)
                    .map(Some)
            }
            Self::OfferMove { moved } => {
                NewValue::new(OneTimeKind::Move, follow_up_secret(OneTimeKind::Move, secrets), owner, moved)
                    .map(Some)
            }
            Self::Proven { proven } => NewValue::new(
                OneTimeKind::Proven,
                follow_up_secret(OneTimeKind::Proven, secrets),
                owner,
                proven,
            )
            .map(Some),
            Self::SignedIn { .. } | Self::Linked | Self::Erasing { .. } | Self::Failed(_) => Ok(None),
        }
    }

    /// As it is counted.
    pub(super) fn label(&self) -> CallbackOutcome {
        match self {
            Self::SignedIn { .. } | Self::OneTimeCode { .. } | Self::Proven { .. } => {
                CallbackOutcome::Accepted
            }
            Self::Linked => CallbackOutcome::Linked,
            Self::ConfirmLink { confirmation, .. } => CallbackOutcome::Failed(confirmation.code().as_str()),
            Self::OfferProof { .. } => CallbackOutcome::Failed(Code::EmailProofOffered.as_str()),
            Self::OfferMove { .. } => CallbackOutcome::Failed(Code::OauthAccountInUse.as_str()),
            Self::Erasing { .. } => CallbackOutcome::Failed(Code::ErasurePending.as_str()),
            Self::Failed(problem) => CallbackOutcome::Failed(problem.code().as_str()),
        }
    }
}

impl From<&Problem> for Outcome {
    fn from(problem: &Problem) -> Self {
        Self::Failed(problem.into())
    }
}

fn follow_up_secret(kind: OneTimeKind, secrets: [&str; 2]) -> String {
    secret::derived(kind.word(), secrets)
}

impl FinishedFlow {
    /// Stores the value that follows from the outcome, keeps the outcome for a repeated request, counts it, and answers
    /// the first request.
    ///
    /// # Errors
    ///
    /// As [`Self::respond`]; without Redis, 503 instead of a value that follows.
    pub(super) async fn keep_and_respond(
        mut self,
        context: &Context,
        client: &Client,
        provider: &Provider,
        ticket: Ticket,
        initiator: &Initiator,
        secrets: [&str; 2],
    ) -> Result<Response, Problem> {
        let stored = match self.outcome.follow_up(initiator, secrets) {
            Ok(Some(next)) => one_time::store(context, &next).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        // Before the outcome is kept: a repeated request must not get a code that was not stored.
        if let Err(problem) = stored.map_err(Problem::from) {
            self.outcome = (&problem).into();
        }
        one_time::keep(context, ticket, &self).await;
        context.metrics.provider_callback(provider.id(), self.outcome.label());
        self.respond(context, client, provider, secrets).await
    }

    /// Answers the callback of `provider`, for the first time or again: by a redirect to the page in any case, or directly.
    ///
    /// # Errors
    ///
    /// Without a page, the problem of the outcome: its own, or 409 `link_confirmation_required`. For a repeated request,
    /// 400 `state_invalid` when the session has ended meanwhile; 503.
    pub(super) async fn respond(
        self,
        context: &Context,
        client: &Client,
        provider: &Provider,
        secrets: [&str; 2],
    ) -> Result<Response, Problem> {
        let Self { page, outcome } = self;
        let response = match outcome {
            Outcome::SignedIn { pair: Some(pair), .. } => Ok(CallbackAnswer::SignedIn(pair)),
            Outcome::SignedIn { session, pair: None } => {
                let pair = pair_again(context, client, session).await?;
                pair.map(CallbackAnswer::SignedIn).ok_or_else(|| Problem::new(Code::StateInvalid))
            }
            Outcome::OneTimeCode { .. } => {
                let code = follow_up_secret(OneTimeKind::SignIn, secrets);
                // Without a page there is a session instead.
                return page
                    .map(|page| page.with(&[("one_time_code", &code)]))
                    .ok_or_else(|| Problem::new(Code::Internal));
            }
            Outcome::Proven { .. } => {
                let code = follow_up_secret(OneTimeKind::Proven, secrets);
                // Only pages start such a flow.
                return page
                    .map(|page| page.with(&[("proven", &code)]))
                    .ok_or_else(|| Problem::new(Code::StateInvalid));
            }
            Outcome::Linked => match &page {
                Some(page) => return Ok(page.with(&[("linked", provider.id())])),
                None => Ok(CallbackAnswer::Linked(Linked::new(provider.id().to_owned()))),
            },
            Outcome::ConfirmLink { confirmation, .. } => {
                Err(confirmation.problem(follow_up_secret(OneTimeKind::Link, secrets)))
            }
            Outcome::OfferProof { offer, .. } => {
                Err(offer.problem(follow_up_secret(OneTimeKind::Proof, secrets)))
            }
            Outcome::OfferMove { .. } => {
                Err(PendingMove::problem(follow_up_secret(OneTimeKind::Move, secrets)))
            }
            Outcome::Erasing { user } => {
                let problem = pending_erasure::problem(context, &*context.db.get().await?, user).await?;
                Err(problem.unwrap_or_else(|| Problem::new(Code::StateInvalid)))
            }
            Outcome::Failed(problem) => Err(problem.into()),
        };
        match (response, page) {
            (Ok(CallbackAnswer::SignedIn(pair)), _) => Ok(pair.respond()),
            (Ok(body @ CallbackAnswer::Linked(_)), _) => Ok(Response::json(StatusCode::OK, &body)),
            (Err(problem), Some(page)) => Ok(page.with_error(&problem)),
            (Err(problem), None) => Err(problem),
        }
    }
}
