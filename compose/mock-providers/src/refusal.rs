//! Why a code is not exchanged (RFC 6749, section 5.2). How it is said is each provider's own.

use hyper::StatusCode;
use hyper::header::WWW_AUTHENTICATE;
use serde_json::json;

use crate::reply::Reply;

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A parameter is missing, repeated or malformed.
    Request,
    /// The client is unknown, or has said so in a way that is not served.
    Client,
    /// The code is unknown, used, old, or of something else.
    Code,
    /// The redirect URI is another one than before.
    RedirectUri,
    /// The grant type is another one than `authorization_code`.
    GrantType,
}

/// A refusal, with a sentence.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) fault: Fault,
    pub(crate) why: String,
}

impl Refusal {
    /// A refusal.
    pub(crate) fn new(fault: Fault, why: impl Into<String>) -> Self {
        Self { fault, why: why.into() }
    }

    /// The word of the RFC.
    pub(crate) fn code(&self) -> &'static str {
        match self.fault {
            Fault::Request => "invalid_request",
            Fault::Client => "invalid_client",
            Fault::Code | Fault::RedirectUri => "invalid_grant",
            Fault::GrantType => "unsupported_grant_type",
        }
    }

    /// As the RFC says: 401 with a challenge for a client, 400 for all else.
    pub(crate) fn as_rfc_6749(&self) -> Reply {
        let body = json!({ "error": self.code(), "error_description": self.why });
        match self.fault {
            Fault::Client => Reply::json(StatusCode::UNAUTHORIZED, &body)
                .with(WWW_AUTHENTICATE, "Basic realm=\"token\", charset=\"UTF-8\""),
            Fault::Request | Fault::Code | Fault::RedirectUri | Fault::GrantType => {
                Reply::json(StatusCode::BAD_REQUEST, &body)
            }
        }
    }
}
