//! `POST /api/v1/me/email/verify`: proves the new address that the caller asked for, and sets it.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;

use super::answer::{AddressAnswer, AnswerText};
use super::present::PresentedChange;
use super::prove::{Proven, prove};
use crate::access::caller;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::mail_proof::{CodeText, EXAMPLE_CODE, EXAMPLE_FLOW, FlowText, check_proof, expired};
use crate::sessions::{Pair, pair};

/// Either a flow and the code of its mail, or the token of the link in a mail.
#[derive(Deserr, ToSchema)]
#[schema(as = EmailChangeProof)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// From the response to `PUT /me/email`.
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
    /// After 409 `account_unproven`: `new`, to take the address from the account that never proved it. After 409
    /// `account_proven`: `move`, to move the linked accounts there.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^(new|move)$")]
    account: Option<AnswerText>,
}

/// The members of which exactly one must be present.
const PROOFS: [&str; 2] = ["flow", "token"];

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Me")
        .summary("Prove your new e-mail address, which is set then.")
        .detail(
            "All other sessions are revoked, and the tokens of this session are replaced; an address that was only unproven, or \
            the first one of the account, ends no session. The former address gets a mail with a link, by which its holder can \
            freeze the account or undo the change for 72 hours. Codes and links are as those of a registration. Whatever \
            revokes the tokens of the account makes the flow void. If an account has the address, but never proved it, the \
            answer is 409 `account_unproven`; `account`: `new` takes the address from it, and nothing else. If another account has \
            proven it, and this one has proven none, the answer is 409 `account_proven`; `account`: `move` moves the linked \
            accounts there, returns a pair of that account, and begins the erasure of this one, which the user can keep until \
            then. An account with a role is merged by an operator only.",
        )
        .access(Access::SignedIn)
        .body::<Body>(json!({ "flow": EXAMPLE_FLOW, "code": EXAMPLE_CODE }))
        .exactly_one(&PROOFS)
        .answer::<Pair>(200, "A new token pair for this session.", pair::example())
        .problems(&[
            Code::CodeWrong,
            Code::CodeExpired,
            Code::AccountFrozen,
            Code::SessionExpired,
            Code::AccountUnproven,
            Code::AccountProven,
            Code::TooManySessions,
            Code::EmailTaken,
            Code::TooManyAttempts,
        ])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `code_wrong` or `account_frozen`; 409 `account_unproven`, `account_proven` or `email_taken`; 410 `code_expired` when the flow is unknown,
/// over, void or another user's; 401; 422; 429 `too_many_attempts`; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    perform(request).await.map(|pair| pair.respond())
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(request: Request) -> Result<Pair, Problem> {
    let caller = caller(&request).await?;
    let form = request.form()?;
    let (flow, code, token) = (form.has("flow"), form.has("code"), form.has("token"));
    let (body, mut found) = form.read::<Body>();
    check_proof(&mut found, flow, code, token);
    let body = found.finish(body)?;
    let context = &request.context;
    let presented = match (body.flow, body.code, body.token) {
        (Some(flow), Some(code), _) => PresentedChange::code(context, &flow, code),
        (_, _, Some(token)) => PresentedChange::link(context, &token),
        // The fields were checked.
        _ => None,
    };
    let presented = presented.filter(|presented| presented.account.user == caller.user);
    let presented = presented.ok_or_else(expired)?;
    let answer = AddressAnswer::of(body.account.as_ref().map(AsRef::as_ref));
    match prove(context, &request.actor(), &presented, answer).await? {
        Proven::Applied(applied) => applied.pair.ok_or_else(expired),
        // Its tokens were those that this request replaced.
        Proven::Repeated => Err(expired()),
    }
}
