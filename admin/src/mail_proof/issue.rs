//! Makes the code of a mail, for the worker that is about to hand the mail over.

use std::sync::Arc;

use aws_lc_rs::hmac;
use secrecy::SecretString;
use uuid::Uuid;

use super::code::{CodeSource, MailCode};
use super::store::{self, NewProof};
use crate::context::Context;
use crate::db::{DbError, Transaction};
use crate::keys::DerivedKeys;
use crate::mail::CodeRequest;

/// Makes codes.
pub(crate) struct CodeIssuer {
    keys: Arc<DerivedKeys>,
}

/// A code, and the token of the link beside it, as the mail has them.
pub(crate) struct IssuedCode {
    pub(crate) code: SecretString,
    pub(crate) link: Option<SecretString>,
}

impl CodeIssuer {
    pub(crate) fn of(context: &Context) -> Self {
        Self { keys: Arc::clone(&context.mail_code_keys) }
    }

    /// The code for a mail to the address with this key, which is handed over when `tx` has been committed: it follows from the
    /// master key with which the mail was sealed, so that every attempt to send it has the same one. `None` when too
    /// many codes are valid, or the flow was used: then no mail is sent.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is unavailable.
    pub(crate) async fn issue(
        &self,
        tx: &Transaction<'_>,
        (mail, sealed_with): (Uuid, u8),
        request: &CodeRequest,
        email_key: &str,
    ) -> Result<Option<IssuedCode>, DbError> {
        let source = CodeSource { mail, key: sealed_with, is_long: request.is_long };
        let Some(key) = self.keys.find(source.key) else { return Ok(None) };
        let address = hmac::sign(key, &[b"address".as_slice(), email_key.as_bytes()].concat());
        let new =
            NewProof { source, flow: request.flow, purpose: request.purpose, address: address.as_ref() };
        if !store::hand_over(tx, &new).await? {
            tracing::error!(id = %mail, "A mail with a code is not sent: the flow was used, or too many codes are valid.");
            return Ok(None);
        }
        let link = request.link.as_ref().map(|link| link.0.clone().into());
        Ok(MailCode::of(&self.keys, source).map(|code| IssuedCode { code: code.shown(), link }))
    }
}
