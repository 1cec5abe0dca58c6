//! A proof of a new address that is presented: a code within its flow, or the link of a mail.

use super::apply::{Applied, apply};
use crate::actor::Actor;
use crate::api::{Code, Problem};
use crate::context::Context;
use crate::guessing::LimitedRoute;
use crate::mail::CodePurpose;
use crate::mail_proof::{
    ChangingAccount, CodeText, Evidence, FlowText, LinkProof, MailFlow, ProofVerdict, check, code_wrong,
    expired, used_with,
};
use crate::permit::{Permit, Tried};
use crate::sessions::history::{self, Event, HistoryEntry};
use crate::users::EmailAddress;

/// How often the flow is checked: another request may use it up meanwhile.
const CHECKS: usize = 3;

/// A proof that is presented. Purposefully without `Debug`: it is personal.
pub(super) struct PresentedChange {
    kind: ProofKind,
    pub(super) email: EmailAddress,
    pub(super) account: ChangingAccount,
}

enum ProofKind {
    Code(MailFlow, CodeText),
    Link(LinkProof),
}

/// What came of it.
pub(super) enum Proven {
    Applied(Applied),
    /// The same request did it within the last minute.
    Repeated,
}

impl PresentedChange {
    /// A code within its flow; `None` for a flow of another kind, or one that is over.
    pub(super) fn code(context: &Context, flow: &FlowText, code: CodeText) -> Option<Self> {
        let flow = MailFlow::open(flow, &context.mail_flows, context.clock.unix_seconds())?;
        let account = flow.change.filter(|_| flow.purpose == CodePurpose::EmailChange)?;
        Some(Self { email: flow.email.clone(), account, kind: ProofKind::Code(flow, code) })
    }

    /// The link of a mail; the same.
    pub(super) fn link(context: &Context, token: &FlowText) -> Option<Self> {
        let link = LinkProof::open(token, &context.mail_flows, context.clock.unix_seconds())?;
        Some(Self { email: link.email.clone(), account: link.change?, kind: ProofKind::Link(link) })
    }

    pub(super) fn evidence(&self) -> Evidence<'_> {
        match &self.kind {
            ProofKind::Code(flow, code) => Evidence::Code { flow: flow.id, purpose: flow.purpose, code },
            ProofKind::Link(link) => Evidence::Link { flow: link.flow, mail: link.mail },
        }
    }

    /// What distinguishes this proof from another one of the same flow.
    fn text(&self) -> String {
        match &self.kind {
            ProofKind::Code(_, code) => code.as_ref().to_owned(),
            ProofKind::Link(link) => link.mail.to_string(),
        }
    }
}

/// Checks the proof, in the buckets of codes, and sets the address. `takes` says that the user wants it although an account
/// has it that never proved it.
///
/// # Errors
///
/// 403 `code_wrong` or `account_frozen`; 409 `account_unproven` or `email_taken`; 410 `code_expired`; 401 when the session of
/// the caller has ended; 429 `too_many_attempts`; 503.
pub(super) async fn prove(
    context: &Context,
    actor: &Actor,
    presented: &PresentedChange,
    takes: bool,
) -> Result<Proven, Problem> {
    let (evidence, key) = (presented.evidence(), presented.email.key());
    let id = evidence.flow().to_string();
    let tried = Tried { route: LimitedRoute::Code, identifier: key, session: id.as_bytes(), account: None };
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
        if let Some(applied) = apply(context, actor, presented, &with, takes).await? {
            for entry in &applied.history {
                history::record(context, actor, *entry).await;
            }
            return Ok(Proven::Applied(applied));
        }
        checked = check(context, &evidence, &with).await?;
    }
    Err(Problem::new(Code::Overloaded))
}
