//! A code from a mail, within the flow of a sign-in that waits: to the address that the provider vouches for, or to one that
//! the user names.

use uuid::Uuid;

use crate::actor::Actor;
use crate::api::Problem;
use crate::context::Context;
use crate::guessing::LimitedRoute;
use crate::mail::CodePurpose;
use crate::mail_proof::{CodeText, Evidence, ProofVerdict, check, code_wrong, used_with};
use crate::permit::{Permit, Tried};
use crate::provider_sign_in::secret;
use crate::users::EmailAddress;

/// A code that was right, and is to be used up in the transaction of what it is for.
pub(super) struct RightCode {
    /// The flow of its mail.
    pub(super) flow: Uuid,
    /// The fingerprint of its use.
    pub(super) with: String,
}

/// The flow of the mails to this address within the flow with this secret: without the secret it cannot be known.
pub(super) fn mail_flow(secret: &str, email: &EmailAddress) -> Uuid {
    let hash = secret::fingerprint(&format!("mail\0{secret}\0{}", email.key()));
    // The first 16 of 32 bytes in hexadecimal.
    let bits = hash.get(..32).and_then(|half| u128::from_str_radix(half, 16).ok());
    uuid::Builder::from_custom_bytes(bits.unwrap_or_default().to_be_bytes()).into_uuid()
}

/// Checks a code, in the buckets of codes.
///
/// # Errors
///
/// 403 `code_wrong`; 410 `code_expired` after five wrong ones; 429 `too_many_attempts`; 503.
pub(super) async fn check_code(
    context: &Context,
    actor: &Actor,
    (secret, email): (&str, &EmailAddress),
    code: &CodeText,
) -> Result<RightCode, Problem> {
    let flow = mail_flow(secret, email);
    let (id, key) = (flow.to_string(), email.key());
    let tried = Tried { route: LimitedRoute::Code, identifier: key, session: id.as_bytes(), account: None };
    let permit = Permit::take(context, actor, tried).await?;
    let with = used_with(context, &[&id, code.as_ref()]);
    let evidence = Evidence::Code { flow, purpose: CodePurpose::Link, code };
    match check(context, &evidence, &with).await? {
        ProofVerdict::Right => {
            permit.succeeded().await;
            Ok(RightCode { flow, with })
        }
        // A repeated request is recognised by the flow of the sign-in.
        ProofVerdict::Repeated(_) | ProofVerdict::Wrong => {
            permit.failed();
            Err(code_wrong())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_of_mails_depends_on_the_secret_and_on_the_address() {
        let of = |secret, email: &str| mail_flow(secret, &email.parse().unwrap());
        assert_eq!(of("a", "neo@example.org"), of("a", "NEO@example.org"));
        assert_ne!(of("a", "neo@example.org"), of("b", "neo@example.org"));
        assert_ne!(of("a", "neo@example.org"), of("a", "trinity@example.org"));
    }
}
