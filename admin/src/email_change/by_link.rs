//! The link to a new address. It counts only on a device where the user is signed in: otherwise a stranger could send the link
//! for their own account, and a person who pressed the button would give it the address.

use super::answer::AddressAnswer;
use super::present::PresentedChange;
use super::prove::prove;
use crate::api::text::FromText as _;
use crate::api::{Code, Problem, Request};
use crate::mail_proof::{FlowText, expired};
use crate::users::store as users;

/// Sets the address that the link proves. `answer` says what becomes of an account that has it.
///
/// # Errors
///
/// 403 `forbidden` on another device; as `POST /me/email/verify`.
pub(crate) async fn set(request: &Request, token: &str, answer: AddressAnswer) -> Result<(), Problem> {
    let context = &request.context;
    let token = FlowText::from_text(token).ok();
    let presented = token.and_then(|token| PresentedChange::link(context, &token)).ok_or_else(expired)?;
    let account = users::find_by_id(&context.db.get().await?, presented.account.user, None).await?;
    let devices = account.ok_or_else(expired)?.facts.devices;
    let (device, now) = (request.client.device.as_ref(), context.clock.unix_seconds());
    if context.guessing.known_device(device, devices, now).is_none() {
        return Err(Problem::new(Code::Forbidden));
    }
    prove(context, &request.actor(), &presented, answer).await.map(drop)
}
