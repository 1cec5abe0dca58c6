//! Checks a proof of a new address, and sets the address.

use super::answer::AddressAnswer;
use super::apply::{AppliedChange, apply};
use super::present::PresentedChange;
use crate::actor::Actor;
use crate::api::{Code, Problem};
use crate::context::Context;
use crate::guessing::LimitedRoute;
use crate::mail_proof::{ProofVerdict, check, code_wrong, expired, used_with};
use crate::permit::{Permit, Tried};
use crate::sessions::history::{self, Event, HistoryEntry};

/// How often the flow is checked: another request may use it up meanwhile.
const CHECKS: usize = 3;

/// What came of it.
pub(super) enum Proven {
    Applied(AppliedChange),
    /// The same request did it within the last minute.
    Repeated,
}

/// Checks the proof, in the buckets of codes, and sets the address. `answer` says what becomes of an account that has it.
///
/// # Errors
///
/// 403 `code_wrong` or `account_frozen`; 409 `account_unproven`, `account_proven` or `email_taken`; 410 `code_expired`; 401 when the session of
/// the caller has ended; 429 `too_many_attempts`; 503.
pub(super) async fn prove(
    context: &Context,
    actor: &Actor,
    presented: &PresentedChange,
    answer: AddressAnswer,
) -> Result<Proven, Problem> {
    let (evidence, key) = (presented.evidence(), presented.email.key());
    let id = evidence.flow().to_string();
    let counted = evidence.counted().to_string();
    let session = counted.as_bytes();
    let tried = Tried { route: LimitedRoute::Code, identifier: key, session, account: None };
    let permit = Permit::take(context, actor, tried).await?;
    let with = used_with(context, &[&id, &presented.text()]);
    let mut checked = check(context, &evidence, &with).await?;
    if checked == ProofVerdict::Wrong {
        permit.failed();
        let user = Some(presented.account.user);
        history::record(context, actor, HistoryEntry { event: Event::ProofFailed, user, session: None })
            .await;
        return Err(code_wrong());
    }
    permit.succeeded().await;
    for _ in 0..CHECKS {
        match checked {
            ProofVerdict::Repeated(_) => return Ok(Proven::Repeated),
            ProofVerdict::Wrong => return Err(expired()),
            ProofVerdict::Right => {}
        }
        if let Some(applied) = apply(context, actor, presented, &with, answer).await? {
            for entry in &applied.history {
                history::record(context, actor, *entry).await;
            }
            return Ok(Proven::Applied(applied));
        }
        checked = check(context, &evidence, &with).await?;
    }
    Err(Problem::new(Code::Overloaded))
}
