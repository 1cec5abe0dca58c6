//! The verdict and its response. Only this file can answer 2xx on the decision listener.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Empty;
use shared::bearer::REALM;

use crate::freshness::Age;
use crate::headers;
use crate::refusal::{Refusal, RefusalCode};
use crate::token_cache::CachedToken;

/// A response on the decision listener. The type guarantees that it has no body: nginx closes the connection
/// after each response that has one.
pub type EmptyResponse = Response<Empty<Bytes>>;

/// The verdict, and the token of the request where one was recognised.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// The request is allowed.
    Allow {
        /// A valid token; none where the policy begins with `anonymous`.
        whose: Option<AllowedToken>,
    },
    /// The request is refused.
    Deny {
        /// Why.
        refusal: Refusal,
        /// The token that was refused.
        whose: Option<Arc<CachedToken>>,
    },
}

/// A token that is allowed, and how old the knowledge about its revocation was.
#[derive(Debug, Clone)]
pub struct AllowedToken {
    /// The token.
    pub token: Arc<CachedToken>,
    /// The age; within what the policy accepts.
    pub age: Age,
}

/// The `WWW-Authenticate` value of each code that has one (RFC 6750, section 3), built once.
#[derive(Debug)]
pub struct Challenges(Vec<Option<HeaderValue>>);

impl Verdict {
    /// A refusal of a request without a token, or with one that was not recognised.
    pub const fn deny(refusal: Refusal) -> Self {
        Self::Deny { refusal, whose: None }
    }

    /// The response to nginx.
    pub fn response(&self, challenges: &Challenges) -> EmptyResponse {
        match self {
            Self::Allow { whose } => allowed(whose.as_ref()),
            Self::Deny { refusal, .. } => refused(refusal.code(), challenges),
        }
    }

    /// The token of the request, where it was recognised.
    pub fn token(&self) -> Option<&CachedToken> {
        match self {
            Self::Allow { whose } => whose.as_ref().map(|identity| &*identity.token),
            Self::Deny { whose, .. } => whose.as_deref(),
        }
    }
}

impl Default for Challenges {
    fn default() -> Self {
        Self(RefusalCode::ALL.iter().map(|code| challenge(*code)).collect())
    }
}

impl Challenges {
    fn of(&self, code: RefusalCode) -> Option<&HeaderValue> {
        self.0.get(code as usize)?.as_ref()
    }
}

/// Without a token the challenge has no error (RFC 6750, section 3.1).
fn challenge(code: RefusalCode) -> Option<HeaderValue> {
    let text = match (code, code.challenge_error()) {
        (RefusalCode::TokenMissing, _) => format!("Bearer realm=\"{REALM}\""),
        (_, Some(error)) => {
            format!("Bearer realm=\"{REALM}\", error=\"{error}\", error_description=\"{}\"", code.sentence())
        }
        (_, None) => return None,
    };
    HeaderValue::try_from(text).ok()
}

/// 204 needs no `Content-Length`: the status alone says that there is no body.
fn allowed(whose: Option<&AllowedToken>) -> EmptyResponse {
    let mut response = Response::new(Empty::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.reserve(5);
    headers.insert(headers::DECISION, headers::ALLOW);
    if let Some(AllowedToken { token, age }) = whose {
        headers.insert(headers::FRESHNESS, age.header());
        headers.insert(headers::USER_ID, token.user_id.clone());
        headers.insert(headers::USER_ROLES, token.rights.header.clone());
        if let Some(session) = &token.session_id {
            headers.insert(headers::SESSION_ID, session.clone());
        }
    }
    response
}

fn refused(code: RefusalCode, challenges: &Challenges) -> EmptyResponse {
    let mut response = Response::new(Empty::new());
    *response.status_mut() = code.status();
    let headers = response.headers_mut();
    headers.insert(headers::DECISION, HeaderValue::from_static(code.as_str()));
    headers.insert(headers::CONTENT_LENGTH, HeaderValue::from_static("0"));
    if let Some(challenge) = challenges.of(code) {
        headers.insert(headers::CHALLENGE, challenge.clone());
    }
    if code == RefusalCode::DependencyUnavailable {
        headers.insert(headers::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_says_its_code_and_has_no_body() {
        let challenges = Challenges::default();
        for &refusal in Refusal::ALL {
            let response = Verdict::deny(refusal).response(&challenges);
            let code = refusal.code();
            let headers = response.headers();
            assert_eq!(response.status(), code.status());
            assert_eq!(headers[headers::DECISION], code.as_str());
            assert_eq!(headers[headers::CONTENT_LENGTH], "0");
            assert_eq!(
                headers.contains_key(headers::CHALLENGE),
                response.status() == 401 || code == RefusalCode::InsufficientScope
            );
            assert_eq!(headers.contains_key(headers::RETRY_AFTER), response.status() == 404);
        }
    }

    #[test]
    fn a_challenge_describes_the_refusal_unless_there_was_no_token() {
        let challenges = Challenges::default();
        let of = |code| challenges.of(code).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(of(RefusalCode::TokenMissing).unwrap(), "Bearer realm=\"cinema\"");
        assert_eq!(
            of(RefusalCode::TokenExpired).unwrap(),
            "Bearer realm=\"cinema\", error=\"invalid_token\", error_description=\"The access token has expired.\""
        );
        assert_eq!(of(RefusalCode::Forbidden), None);
    }

    #[test]
    fn an_anonymous_request_has_no_identity() {
        let response = Verdict::Allow { whose: None }.response(&Challenges::default());
        assert_eq!(response.status(), 204);
        assert_eq!(response.headers().len(), 1);
        assert_eq!(response.headers()[headers::DECISION], "allow");
    }
}
