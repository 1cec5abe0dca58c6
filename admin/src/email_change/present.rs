//! A proof of a new address that is presented: a code within its flow, or the link of a mail.

use crate::context::Context;
use crate::mail::CodePurpose;
use crate::mail_proof::{ChangingAccount, CodeText, Evidence, FlowText, LinkProof, MailFlow};
use crate::users::EmailAddress;

/// A proof that is presented. Purposefully without `Debug`: it is personal.
pub(super) struct PresentedChange {
    kind: ChangeProof,
    pub(super) email: EmailAddress,
    pub(super) account: ChangingAccount,
}

enum ChangeProof {
    Code(MailFlow, CodeText),
    Link(LinkProof),
}

impl PresentedChange {
    /// A code within its flow; `None` for a flow of another kind, or one that is over.
    pub(super) fn code(context: &Context, flow: &FlowText, code: CodeText) -> Option<Self> {
        let flow = MailFlow::open(flow, &context.mail_flows, context.clock.unix_seconds())?;
        let account = flow.change.filter(|_| flow.purpose == CodePurpose::EmailChange)?;
        Some(Self { email: flow.email.clone(), account, kind: ChangeProof::Code(flow, code) })
    }

    /// The link of a mail; the same.
    pub(super) fn link(context: &Context, token: &FlowText) -> Option<Self> {
        let link = LinkProof::open(token, &context.mail_flows, context.clock.unix_seconds())?;
        Some(Self { email: link.email.clone(), account: link.change?, kind: ChangeProof::Link(link) })
    }

    pub(super) fn evidence(&self) -> Evidence<'_> {
        match &self.kind {
            ChangeProof::Code(flow, code) => Evidence::Code { flow: flow.id, purpose: flow.purpose, code },
            ChangeProof::Link(link) => Evidence::Link { flow: link.flow, mail: link.mail },
        }
    }

    /// What distinguishes this proof from another one of the same flow.
    pub(super) fn text(&self) -> String {
        match &self.kind {
            ChangeProof::Code(_, code) => code.as_ref().to_owned(),
            ChangeProof::Link(link) => link.mail.to_string(),
        }
    }
}
