//! A request for a mail. Every address gets the same steps: one query, the same counters, one row of the outbox. Only the
//! worker of mails, after the response, looks at the account.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::flow::{EXAMPLE_FLOW, LinkProof, MailFlow};
use crate::actor::Actor;
use crate::api::{Code, Problem, Response};
use crate::context::Context;
use crate::guessing::LimitedRoute;
use crate::mail::{
    CodePurpose, CodeRequest, LinkText, MailRequest, NewMail, QueuedMail, Recipient, language_of,
};
use crate::permit::{Permit, Tried, may_mail};
use crate::users::{EmailAddress, EmailSlip, Identifier, store as users, unreachable};

/// A flow, in which the code of the mail is used.
#[derive(Serialize, ToSchema)]
#[schema(as = MailFlow)]
pub(crate) struct AskedFlow {
    /// To send together with the code. It is a secret of this client.
    #[schema(pattern = "^[A-Za-z0-9_-]{40,1200}$")]
    flow: String,
    /// For how many seconds the flow can be used. A code is valid for ten minutes from its mail.
    #[schema(maximum = 3600)]
    expires_in: u64,
    /// A likely slip in the address; null if there seems to be none.
    #[schema(required)]
    hint: Option<EmailSlip>,
}

impl AskedFlow {
    /// The answer for a flow to a request that was read at the second `now`, however long the rest took.
    ///
    /// # Errors
    ///
    /// 500 when the operating system provides no randomness.
    pub(crate) fn of(context: &Context, flow: &MailFlow, now: u64) -> Result<Self, Problem> {
        let (expires_in, hint) = (flow.remaining(now), EmailSlip::of(&flow.email));
        Ok(Self { flow: flow.seal(&context.mail_flows)?, expires_in, hint })
    }

    /// The response with it.
    pub(crate) fn respond(&self) -> Response {
        Response::json(StatusCode::ACCEPTED, self)
    }

    /// A likely slip in the address.
    pub(crate) fn hint(&self) -> Option<&EmailSlip> {
        self.hint.as_ref()
    }

    /// What the client sends together with the code.
    pub(crate) fn text(&self) -> &str {
        &self.flow
    }

    /// An example.
    pub(crate) fn example() -> Value {
        json!({ "flow": EXAMPLE_FLOW, "expires_in": 3600, "hint": null })
    }
}

/// Puts the request for a code of this flow into the outbox, unless the mailbox has been asked for too often.
///
/// # Errors
///
/// 429 `too_many_attempts`; 503.
pub(crate) async fn ask_code(
    context: &Context,
    actor: &Actor,
    route: LimitedRoute,
    flow: &MailFlow,
) -> Result<(), Problem> {
    let now = context.clock.unix_seconds();
    let is_long = context.guessing.is_code_guessed(flow.email.key(), now).await;
    let request = |mail| {
        let link = match flow.purpose {
            CodePurpose::Registration | CodePurpose::EmailChange => {
                let (email, change) = (flow.email.clone(), flow.change);
                let link = LinkProof { mail, flow: flow.id, email, change, made_at: now };
                Some(LinkText(link.seal(&context.mail_flows)?))
            }
            CodePurpose::SignIn | CodePurpose::Link => None,
        };
        let user = flow.change.map(|change| change.user);
        Ok(MailRequest::Code(CodeRequest { purpose: flow.purpose, flow: flow.id, is_long, link, user }))
    };
    ask(context, actor, (route, flow.purpose.word()), &flow.email, request).await
}

/// Puts a request for a mail of this `kind` into the outbox, unless the mailbox has been asked for too often.
///
/// # Errors
///
/// 422 `validation_failed` for an address that the mail server cannot reach; 429 `too_many_attempts`; 503.
pub(crate) async fn ask(
    context: &Context,
    actor: &Actor,
    (route, kind): (LimitedRoute, &str),
    email: &EmailAddress,
    request: impl FnOnce(Uuid) -> Result<MailRequest, Problem>,
) -> Result<(), Problem> {
    if let Some((code, sentence)) = unreachable(context, email) {
        return Err(Problem::new(Code::ValidationFailed).field("email", code, sentence));
    }
    let key = email.key();
    let name = Identifier::Email(email.clone());
    let account = users::find(&context.db.get().await?, &name, actor.address()).await?;
    let facts = account.map(|account| account.facts);
    let tried = Tried { route, identifier: key, session: &[], account: facts };
    let permit = Permit::take(context, actor, tried).await?;
    let id = context.random.id();
    let queued = QueuedMail::Request(request(id)?);
    if may_mail(context, actor, (kind, key), facts).await {
        let mut connection = context.db.get().await?;
        let tx = connection.begin().await?;
        let language = language_of(None, actor.client().languages.as_deref());
        let recipient = Recipient { address: email.as_str(), key, language };
        let new = NewMail { id, recipient, queued: &queued, merged_for: None };
        context.outbox.put(&tx, &new).await?;
        tx.commit().await?;
    }
    permit.succeeded().await;
    Ok(())
}
