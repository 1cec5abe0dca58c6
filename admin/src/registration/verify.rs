//! `POST /api/v1/auth/email/verify`: proves an address by a code or a link, and sets the password of its account.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;

use super::prove::{AccountChoice, NewRegistration, register};
use crate::actor::{Actor, DeviceText};
use crate::api::text::{FromText as _, text_type};
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::guessing::LimitedRoute;
use crate::mail::CodePurpose;
use crate::mail_proof::{
    CodeText, EXAMPLE_CODE, EXAMPLE_FLOW, Evidence, FlowText, LinkProof, MailFlow, ProofVerdict, check,
    check_proof, code_wrong, expired, used_with,
};
use crate::passwords::{Password, PasswordHash};
use crate::permit::{HashPermit, Tried};
use crate::sessions::login::DeviceName;
use crate::sessions::session::Device;
use crate::sessions::{Pair, pair, pair_again};
use crate::users::consents::{self, ConsentText};
use crate::users::{EmailAddress, add_weaknesses, finish_form};
use crate::visible_text::VisibleLine;

/// How often the flow is checked: another request may use it up meanwhile.
const CHECKS: usize = 3;

text_type!(
    /// What the user says about an account that never proved the address.
    ChoiceText, choice
);

/// Either a flow and the code of its mail, or the token of the link in a mail; and the password.
#[derive(Deserr, ToSchema)]
#[schema(as = EmailProof)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// From the response to the registration.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{40,1200}$", min_length = 40, max_length = 1200)]
    flow: Option<FlowText>,
    /// With `flow`: six digits, or ten letters and digits; in any case, with or without spaces and hyphens.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[\\t-\\r \\-]*([0-9A-Za-z][\\t-\\r \\-]*){6,10}$")]
    code: Option<CodeText>,
    /// Instead of `flow` and `code`: the part of the link after `#`.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{40,1200}$", min_length = 40, max_length = 1200)]
    token: Option<FlowText>,
    /// Must be hard to guess.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    password: Password,
    /// After 409 `account_unproven`: `mine` if the account is yours, `new` if you want another one.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^(mine|new)$")]
    account: Option<ChoiceText>,
    /// Where the operator asks for consent (`ADMIN_CONSENT_VERSION`): the version to which the user consents. Elsewhere nothing
    /// of it is stored.
    #[deserr(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64, pattern = "^[!-~]+$")]
    consent: Option<ConsentText>,
    /// Shown in the list of sessions, with the same rules as `display_name` of an account.
    #[deserr(default)]
    #[schema(value_type = Option<VisibleLine>)]
    device_name: Option<DeviceName>,
    /// The device token of an earlier pair, from an app that keeps no cookies.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[!-~]+$", min_length = 1, max_length = 512)]
    device_token: Option<DeviceText>,
}

/// The members of which exactly one must be present.
const PROOFS: [&str; 2] = ["flow", "token"];

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Sign-in")
        .summary("Prove an address, set the password, and sign in.")
        .detail(
            "Creates the account of a registration. A code is valid for ten minutes from its mail, a link for an hour; the \
            last three codes of a flow count, and five wrong codes end the flow. A proof is used up by a success only; the \
            same request, repeated within a minute, returns tokens of the same session. If an account has the address, but \
            never proved it, the answer is 409 `account_unproven`, and `account` says what to do: `mine` signs out all who \
            used it before, and unlinks their accounts at providers; `new` takes nothing of it but the address.",
        )
        .access(Access::Public)
        .body::<Body>(json!({
            "flow": EXAMPLE_FLOW,
            "code": EXAMPLE_CODE,
            "password": "correct horse battery staple"
        }))
        .exactly_one(&PROOFS)
        .answer::<Pair>(200, "The token pair of the session.", pair::example())
        .problems(&[
            Code::CodeWrong,
            Code::CodeExpired,
            Code::PasswordWeak,
            Code::ConsentRequired,
            Code::AccountUnproven,
            Code::RecoveryDelayed,
            Code::EmailTaken,
            Code::AccountDisabled,
            Code::AccountFrozen,
            Code::RegistrationClosed,
            Code::TooManyAttempts,
            Code::TooManySessions,
        ])
}

/// A proof that is presented. Purposefully without `Debug`: it is personal.
struct PresentedProof {
    evidence: ProofKind,
    email: EmailAddress,
    display_name: Option<String>,
    locale: Option<String>,
}

enum ProofKind {
    Code(MailFlow, CodeText),
    Link(LinkProof),
}

/// What is set by a proof.
struct Wish<'w> {
    password: &'w Password,
    choice: Option<AccountChoice>,
    /// The version to which the user consents.
    consent: Option<&'w str>,
    /// The device of the session; `None` if none is opened.
    device: Option<&'w Device>,
}

/// Handles the request.
///
/// # Errors
///
/// 403 `code_wrong` for a code or link that is wrong, expired or used, `account_disabled`, `account_frozen` or `registration_closed`; 410
/// `code_expired` when the flow or token is unknown or over; 409 `account_unproven` or `email_taken`; 422
/// `validation_failed` or `password_weak`; 429 `too_many_attempts` or `too_many_sessions`; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    perform(request).await.map(|pair| pair.respond())
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(request: Request) -> Result<Pair, Problem> {
    prove(request, true).await?.ok_or_else(expired)
}

/// The same for a page that a link opened, perhaps in another program than that of the user: it opens no session.
pub(crate) async fn perform_by_link(request: Request) -> Result<(), Problem> {
    prove(request, false).await.map(drop)
}

/// Checks the link of a mail without using it up, for a page that asks for a password only then. It counts no attempt, because a
/// link cannot be guessed: without a seal of this service nothing is looked up.
///
/// # Errors
///
/// 403 `code_wrong` or `registration_closed`; 410 `code_expired`; 503.
pub(crate) async fn check_link(context: &Context, token: &str) -> Result<(), Problem> {
    if !context.config.registration.is_for_everyone() {
        return Err(Problem::new(Code::RegistrationClosed));
    }
    let token = FlowText::from_text(token).ok();
    let presented = token.and_then(|token| PresentedProof::link(context, &token)).ok_or_else(expired)?;
    match check(context, &presented.evidence(), "").await? {
        ProofVerdict::Right | ProofVerdict::Repeated(_) => Ok(()),
        ProofVerdict::Wrong => Err(code_wrong()),
    }
}

/// `None` if no session was opened.
async fn prove(mut request: Request, opens_session: bool) -> Result<Option<Pair>, Problem> {
    let form = request.form()?;
    let typed = form.text("password").map(Password::new);
    let (flow, code, token) = (form.has("flow"), form.has("code"), form.has("token"));
    let (body, mut found) = form.read::<Body>();
    check_proof(&mut found, flow, code, token);
    let body = finish_form(&request, (LimitedRoute::Code, "password"), (body, found), typed).await?;
    request.client.present(body.device_token);
    let device = Device::of(&request.client, body.device_name.map(String::from));
    let presented = match (body.flow, body.code, body.token) {
        (Some(flow), Some(code), _) => PresentedProof::code(&request.context, &flow, code),
        (_, _, Some(token)) => PresentedProof::link(&request.context, &token),
        // The fields were checked.
        _ => None,
    };
    let choice = body.account.map(|account| account.choice());
    let consent = body.consent.as_ref().map(ConsentText::as_ref);
    let wish = Wish { password: &body.password, choice, consent, device: opens_session.then_some(&device) };
    let presented = presented.ok_or_else(expired)?;
    verify(&request.context, &request.actor(), &presented, &wish).await
}

impl PresentedProof {
    fn code(context: &Context, flow: &FlowText, code: CodeText) -> Option<Self> {
        let flow = MailFlow::open(flow, &context.mail_flows, context.clock.unix_seconds())?;
        (flow.purpose == CodePurpose::Registration).then(|| Self {
            email: flow.email.clone(),
            display_name: flow.display_name.clone(),
            locale: flow.locale.clone(),
            evidence: ProofKind::Code(flow, code),
        })
    }

    /// What was typed before does not count: the holder of the mailbox may not be the one who typed it.
    fn link(context: &Context, token: &FlowText) -> Option<Self> {
        let link = LinkProof::open(token, &context.mail_flows, context.clock.unix_seconds())?;
        // The link of another address of an account is another one.
        link.change.is_none().then_some(())?;
        let email = link.email.clone();
        Some(Self { evidence: ProofKind::Link(link), email, display_name: None, locale: None })
    }

    fn evidence(&self) -> Evidence<'_> {
        match &self.evidence {
            ProofKind::Code(flow, code) => Evidence::Code { flow: flow.id, purpose: flow.purpose, code },
            ProofKind::Link(link) => Evidence::Link { flow: link.flow, mail: link.mail },
        }
    }

    /// What distinguishes this proof from another one of the same flow.
    fn text(&self) -> String {
        match &self.evidence {
            ProofKind::Code(_, code) => code.as_ref().to_owned(),
            ProofKind::Link(link) => link.mail.to_string(),
        }
    }
}

/// Sets the password of the account of a proven address, and returns the tokens of a session if one was wished for.
///
/// # Errors
///
/// As [`handle`].
async fn verify(
    context: &Context,
    actor: &Actor,
    presented: &PresentedProof,
    wish: &Wish<'_>,
) -> Result<Option<Pair>, Problem> {
    if !context.config.registration.is_for_everyone() {
        return Err(Problem::new(Code::RegistrationClosed));
    }
    consents::check(context.config.consent.as_ref(), wish.consent)?;
    let (evidence, key) = (presented.evidence(), presented.email.key());
    let id = evidence.flow().to_string();
    let counted = evidence.counted().to_string();
    let session = counted.as_bytes();
    let tried = Tried { route: LimitedRoute::Code, identifier: key, session, account: None };
    let mut permit = HashPermit::take(context, actor, tried).await?;
    let with = used_with(context, &[&id, &presented.text(), &wish.password.fingerprint(&id)]);
    let checked = check(context, &evidence, &with).await?;
    if checked == ProofVerdict::Wrong {
        permit.failed();
        return Err(code_wrong());
    }
    let password = match checked {
        ProofVerdict::Right => match judge_and_hash(&mut permit, presented, wish.password).await {
            Ok(password) => Some(password),
            Err(problem) => {
                if problem.code() == Code::PasswordWeak {
                    permit.spent().await;
                }
                return Err(problem);
            }
        },
        ProofVerdict::Repeated(_) | ProofVerdict::Wrong => None,
    };
    permit.succeeded().await;
    settle(context, actor, (presented, wish), (checked, password.as_ref()), &with).await
}

/// Does what was wished for, or finds what the same request did before.
async fn settle(
    context: &Context,
    actor: &Actor,
    (presented, wish): (&PresentedProof, &Wish<'_>),
    (mut checked, password): (ProofVerdict, Option<&PasswordHash>),
    with: &str,
) -> Result<Option<Pair>, Problem> {
    let evidence = presented.evidence();
    for _ in 0..CHECKS {
        let password = match (checked, password) {
            (ProofVerdict::Repeated(Some(session)), _) => {
                return pair_again(context, actor.client(), session).await?.map(Some).ok_or_else(expired);
            }
            (ProofVerdict::Repeated(None), _) => return Ok(None),
            (ProofVerdict::Wrong, _) | (ProofVerdict::Right, None) => return Err(expired()),
            (ProofVerdict::Right, Some(password)) => password,
        };
        let new = NewRegistration {
            evidence: &evidence,
            with,
            email: &presented.email,
            password,
            display_name: presented.display_name.as_deref(),
            locale: presented.locale.as_deref(),
            choice: wish.choice,
            consent: consents::check(context.config.consent.as_ref(), wish.consent)?,
            device: wish.device,
        };
        let refused = match register(context, actor, &new).await {
            Ok(Some(registered)) => {
                context.guessing.return_registration(actor.address(), context.clock.unix_seconds()).await;
                return Ok(registered.pair);
            }
            Ok(None) => None,
            Err(problem) => Some(problem),
        };
        checked = check(context, &evidence, with).await?;
        // The account may be the one that the same request, sent twice, has just created.
        if let Some(problem) = refused.filter(|_| !matches!(checked, ProofVerdict::Repeated(_))) {
            return Err(problem);
        }
    }
    Err(Problem::new(Code::Overloaded))
}

/// The hash of the password, if it is strong enough.
async fn judge_and_hash(
    permit: &mut HashPermit,
    presented: &PresentedProof,
    password: &Password,
) -> Result<PasswordHash, Problem> {
    let email = &presented.email;
    let words = [email.key().to_owned(), email.local_part().to_owned()];
    let words = words.into_iter().chain(presented.display_name.as_ref().map(|name| name.to_lowercase()));
    let mut found = Findings::default();
    add_weaknesses(&mut found, "password", permit.judge(password, words.collect()).await?);
    found.finish(Some(()))?;
    Ok(permit.hash(password).await?)
}

impl ChoiceText {
    fn choice(&self) -> AccountChoice {
        if self.0 == MINE { AccountChoice::Mine } else { AccountChoice::New }
    }
}

/// How it is sent that the account is the user's.
const MINE: &str = "mine";

fn choice(text: &str) -> Result<String, &'static str> {
    match text {
        MINE | "new" => Ok(text.to_owned()),
        _ => Err("Must be `mine` or `new`."),
    }
}
