//! Checks a code, or a link, without using it up. The caller has counted the attempt.

use aws_lc_rs::hmac;
use uuid::Uuid;

use super::code::{CodeText, MailCode};
use super::store;
use crate::api::{Code, Findings, Problem};
use crate::context::Context;
use crate::db::DbError;
use crate::mail::CodePurpose;

/// What is presented.
pub(crate) enum Evidence<'e> {
    /// A code, within this flow.
    Code {
        /// The flow.
        flow: Uuid,
        /// What it must be for.
        purpose: CodePurpose,
        /// The code.
        code: &'e CodeText,
    },
    /// The link in a mail of this flow.
    Link {
        /// The flow.
        flow: Uuid,
        /// The mail.
        mail: Uuid,
    },
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProofVerdict {
    /// The evidence is right, and not used up.
    Right,
    /// The same request has used the flow within the last minute, and opened this session.
    Repeated(Option<Uuid>),
    /// The evidence is wrong, used or expired, or no mail was sent: all of them look the same.
    Wrong,
}

impl Evidence<'_> {
    /// Its flow.
    pub(crate) fn flow(&self) -> Uuid {
        match self {
            Self::Code { flow, .. } | Self::Link { flow, .. } => *flow,
        }
    }

    /// With what its attempts are counted: wrong codes of a flow do not end the links of its mails.
    pub(crate) fn counted(&self) -> Uuid {
        match self {
            Self::Code { flow, .. } => *flow,
            Self::Link { mail, .. } => *mail,
        }
    }
}

/// Checks `evidence`. `with` is the fingerprint of the whole request.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn check(
    context: &Context,
    evidence: &Evidence<'_>,
    with: &str,
) -> Result<ProofVerdict, DbError> {
    let connection = context.db.get().await?;
    let used = store::recent_use(&*connection, evidence.flow()).await?;
    if let Some(used) = used.filter(|used| used.used_with == with) {
        return Ok(ProofVerdict::Repeated(used.session));
    }
    let is_right = match evidence {
        Evidence::Code { flow, purpose, code } => {
            let sources = store::live_codes(&*connection, *flow, *purpose).await?;
            let codes =
                sources.into_iter().filter_map(|source| MailCode::of(&context.mail_code_keys, source));
            // All of them are compared, so that the time does not tell which one it is.
            codes.fold(false, |any, known| known.is(code) | any)
        }
        Evidence::Link { flow, mail } => store::is_link_live(&*connection, *mail, *flow).await?,
    };
    Ok(if is_right { ProofVerdict::Right } else { ProofVerdict::Wrong })
}

/// The fingerprint of a request: what was sent besides the flow cannot be found from it.
pub(crate) fn used_with(context: &Context, parts: &[&str]) -> String {
    let keys = &context.mail_code_keys;
    let Some(key) = keys.find(keys.current()) else { return String::new() };
    let tag = hmac::sign(key, format!("use\0{}", parts.join("\0")).as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Exactly one proof must be present in a form: the token of a link, or a flow with its code.
pub(crate) fn check_proof(found: &mut Findings, flow: bool, code: bool, token: bool) {
    match (flow, token) {
        (false, false) => {
            found.add("flow", "field_missing", "One of `flow` and `token` is required.");
            if !code {
                found.add("code", "field_missing", "Is required with `flow`.");
            }
        }
        (true, true) => found.add("flow", "field_invalid", "Send only one of `flow` and `token`."),
        (true, false) if !code => found.add("code", "field_missing", "Is required with `flow`."),
        (true, false) => {}
        (false, true) if code => found.add("code", "field_invalid", "Belongs to a `flow`."),
        (false, true) => {}
    }
}

/// 403 `code_wrong`.
pub(crate) fn code_wrong() -> Problem {
    Problem::new(Code::CodeWrong).detail("A code that has expired or was used is wrong, too.")
}

/// 410 `code_expired`.
pub(crate) fn expired() -> Problem {
    Problem::new(Code::CodeExpired).detail("Ask for another code.")
}
