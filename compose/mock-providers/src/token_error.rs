//! Why a code is not exchanged (RFC 6749, section 5.2). Each provider has its own form for it.

use hyper::StatusCode;
use hyper::header::WWW_AUTHENTICATE;
use serde_json::json;

use crate::reply::Reply;

/// The kind of the error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// A parameter is missing, repeated or malformed.
    Request,
    /// The client is unknown, or authenticates in a way that is not supported.
    Client,
    /// The code is unknown, used, expired, or of another request.
    Code,
    /// The redirect URI differs from the authorization request.
    RedirectUri,
    /// The grant type is not `authorization_code`.
    GrantType,
}

/// A error, with an explanation.
#[derive(Debug, Clone)]
pub(crate) struct TokenError {
    pub(crate) kind: ErrorKind,
    pub(crate) why: String,
}

impl TokenError {
    /// A error.
    pub(crate) fn new(kind: ErrorKind, why: impl Into<String>) -> Self {
        Self { kind, why: why.into() }
    }

    /// The code of the RFC.
    pub(crate) fn code(&self) -> &'static str {
        match self.kind {
            ErrorKind::Request => "invalid_request",
            ErrorKind::Client => "invalid_client",
            ErrorKind::Code | ErrorKind::RedirectUri => "invalid_grant",
            ErrorKind::GrantType => "unsupported_grant_type",
        }
    }

    /// The response of the RFC: 401 with a challenge for a client, otherwise 400.
    pub(crate) fn as_rfc_6749(&self) -> Reply {
        let body = json!({ "error": self.code(), "error_description": self.why });
        match self.kind {
            ErrorKind::Client => Reply::json(StatusCode::UNAUTHORIZED, &body)
                .with(WWW_AUTHENTICATE, "Basic realm=\"token\", charset=\"UTF-8\""),
            ErrorKind::Request | ErrorKind::Code | ErrorKind::RedirectUri | ErrorKind::GrantType => {
                Reply::json(StatusCode::BAD_REQUEST, &body)
            }
        }
    }
}
