//! Every way in which a request can fail: one closed table (RFC 9457).

use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use shared::request_id::RequestId;
use utoipa::ToSchema;

use crate::db::DbError;
use crate::keys::Unready;

use super::Response;

/// The `realm` of every challenge (RFC 6750, section 3).
const REALM: &str = "cinema";

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $status:ident $code:literal $title:literal,)*) => {
        /// The stable word by which a client tells problems apart.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* #[doc = concat!("`", $code, "`: ", $title)] $variant,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word itself, as in `"code": "not_found"`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The status that always goes with it.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// The sentence that always goes with it.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

codes! {
    RequestMalformed = BAD_REQUEST "request_malformed" "The request cannot be read.",
    StateInvalid = BAD_REQUEST "state_invalid" "This sign-in was not begun here, or not lately, or has been completed.",

    TokenMissing = UNAUTHORIZED "token_missing" "An access token is needed.",
    TokenInvalid = UNAUTHORIZED "token_invalid" "The access token is not good.",
    TokenExpired = UNAUTHORIZED "token_expired" "The access token has expired.",
    TokenRevoked = UNAUTHORIZED "token_revoked" "The access token was revoked.",
    InvalidCredentials = UNAUTHORIZED "invalid_credentials" "The name or the password is wrong.",
    RefreshTokenInvalid = UNAUTHORIZED "refresh_token_invalid" "This is not a refresh token.",
    RefreshTokenUnknown = UNAUTHORIZED "refresh_token_unknown" "The refresh token's session is not known.",
    RefreshTokenReused = UNAUTHORIZED "refresh_token_reused" "The refresh token was used before; its session has ended.",
    SessionRevoked = UNAUTHORIZED "session_revoked" "The session was ended.",
    SessionExpired = UNAUTHORIZED "session_expired" "The session has expired.",

    Forbidden = FORBIDDEN "forbidden" "This is not allowed.",
    PrivilegeEscalation = FORBIDDEN "privilege_escalation" "Nobody can give what they do not have themselves.",
    FreshAuthRequired = FORBIDDEN "fresh_auth_required" "The sign-in is too long ago for this.",
    SystemRole = FORBIDDEN "system_role" "The role is protected; `admin roles release` on the command line lets it be changed.",
    AccessDenied = FORBIDDEN "access_denied" "The provider was told not to say who it is.",
    AccountDisabled = FORBIDDEN "account_disabled" "The account is disabled.",
    RegistrationClosed = FORBIDDEN "registration_closed" "Registration is closed.",

    NotFound = NOT_FOUND "not_found" "There is no such thing.",
    ProviderUnknown = NOT_FOUND "provider_unknown" "There is no such identity provider here.",
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed" "The path does not know this method.",
    RequestTimeout = REQUEST_TIMEOUT "request_timeout" "The request arrived too slowly.",

    EmailTaken = CONFLICT "email_taken" "The e-mail address is taken.",
    LoginTaken = CONFLICT "login_taken" "The login name is taken.",

    LinkConfirmationRequired = CONFLICT "link_confirmation_required" "The address is that of an account here; its password is needed once.",
    EmailProofRequired = CONFLICT "email_proof_required" "The provider does not vouch for the address.",
    OauthAccountInUse = CONFLICT "oauth_account_in_use" "The account at the provider is linked to another person.",
    OauthProviderLinked = CONFLICT "oauth_provider_linked" "Another account at this provider is linked.",
    LastLoginMethod = CONFLICT "last_login_method" "This is the last way to sign in.",

    RoleExists = CONFLICT "role_exists" "There is a role of this name.",
    RoleNameRetired = CONFLICT "role_name_retired" "Tokens still carry this name of a role that is gone.",
    LastSuperuser = CONFLICT "last_superuser" "This is the last superuser.",
    LimitReached = CONFLICT "limit_reached" "There are as many as there can be.",

    CodeExpired = GONE "code_expired" "The code is not good, or no longer.",

    PreconditionFailed = PRECONDITION_FAILED "precondition_failed" "It was changed since it was read.",
    BodyTooLarge = PAYLOAD_TOO_LARGE "body_too_large" "The body is too large.",
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "The body must be application/json.",

    ValidationFailed = UNPROCESSABLE_ENTITY "validation_failed" "Some fields are not good.",
    ReturnToNotAllowed = UNPROCESSABLE_ENTITY "return_to_not_allowed" "That page is not one to return to.",
    RoleCycle = UNPROCESSABLE_ENTITY "role_cycle" "A role cannot inherit itself, not even by way of others.",
    PasswordWeak = UNPROCESSABLE_ENTITY "password_weak" "The password is too easy to guess.",
    PasswordReused = UNPROCESSABLE_ENTITY "password_reused" "The new password is the old one.",

    Internal = INTERNAL_SERVER_ERROR "internal" "Something went wrong here.",
    ProviderError = BAD_GATEWAY "provider_error" "The identity provider's answer cannot be used.",
    ProviderTimeout = GATEWAY_TIMEOUT "provider_timeout" "The identity provider did not answer in time.",
    ProviderUnavailable = SERVICE_UNAVAILABLE "provider_unavailable" "The identity provider does not answer at the moment.",
    Overloaded = SERVICE_UNAVAILABLE "overloaded" "Too much to do at the moment.",
    DependencyUnavailable = SERVICE_UNAVAILABLE "dependency_unavailable" "A store is away at the moment.",
}

/// A failed request: a [`Code`], and what a client may know beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    code: Code,
    detail: Option<String>,
    fields: Vec<Field>,
    flow: Option<Flow>,
    retry_after: Option<u32>,
    allow: Option<String>,
}

/// A secret, which does not print.
#[derive(Clone, PartialEq, Eq)]
struct Flow(String);

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Flow")
    }
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = FieldProblem)]
struct Field {
    /// Its name, with those that it lies in before it: `inner.age`.
    #[schema(max_length = 64)]
    field: String,
    /// A stable word.
    code: &'static str,
    /// A sentence for people.
    detail: String,
}

/// What went wrong (RFC 9457, section 3.1, and our extensions `code`, `request_id` and `errors`).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Body<'p> {
    /// `urn:usher:problem:` and the code.
    #[schema(pattern = "^urn:usher:problem:[a-z_]+$")]
    r#type: String,
    /// A sentence that always goes with the code.
    title: &'p str,
    status: u16,
    /// A sentence about this one occurrence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<&'p str>,
    /// The stable word by which problems are told apart.
    code: &'p str,
    /// The name of the request in every log.
    request_id: &'p str,
    /// What `/oauth/link/confirm` is asked with, for ten minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    flow: Option<&'p str>,
    /// The fields that are not good.
    #[serde(skip_serializing_if = "<[Field]>::is_empty")]
    #[schema(required = false)]
    errors: &'p [Field],
}

impl Problem {
    /// The problem of this code, without more.
    pub fn new(code: Code) -> Self {
        let retry_after = match code {
            Code::Overloaded | Code::DependencyUnavailable | Code::ProviderUnavailable => Some(1),
            _ => None,
        };
        Self { code, detail: None, fields: Vec::new(), flow: None, retry_after, allow: None }
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What the problem is overcome with, where there is something.
    pub(crate) fn flow_secret(&self) -> Option<&str> {
        self.flow.as_ref().map(|flow| flow.0.as_str())
    }

    /// A sentence about this one occurrence. Never the cause of a 5xx.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// One more field that is not good: its name, a stable word, and a sentence.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        self.fields.push(Field { field: field.into(), code, detail: detail.into() });
        self
    }

    /// What the problem is overcome with. A secret: whoever has it and knows the password is let in.
    #[must_use]
    pub fn flow(mut self, flow: impl Into<String>) -> Self {
        self.flow = Some(Flow(flow.into()));
        self
    }

    /// After how many seconds it may be tried again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The methods that the path knows.
    #[must_use]
    pub fn allow(mut self, methods: impl Into<String>) -> Self {
        self.allow = Some(methods.into());
        self
    }

    /// What goes over the wire.
    pub fn respond(&self, request_id: &RequestId) -> Response {
        let body = Body {
            r#type: format!("urn:usher:problem:{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: self.detail.as_deref(),
            code: self.code.as_str(),
            request_id: request_id.as_str(),
            flow: self.flow_secret(),
            errors: &self.fields,
        };
        let mut response = Response::json(self.code.status(), &body)
            .with_header(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(challenge) = self.challenge() {
            response = response.with_header(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after {
            response = response.with_header(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        match self.allow.as_deref().map(HeaderValue::from_str) {
            Some(Ok(methods)) => response.with_header(header::ALLOW, methods),
            _ => response,
        }
    }

    /// The challenge that every 401 carries (RFC 9110, section 11.6.1): bare unless a token was given.
    fn challenge(&self) -> Option<HeaderValue> {
        let error = match self.code {
            Code::TokenInvalid => Some("the token is not good"),
            Code::TokenExpired => Some("the token has expired"),
            Code::TokenRevoked => Some("the token was revoked"),
            code if code.status() == StatusCode::UNAUTHORIZED => None,
            _ => return None,
        };
        let text = match error {
            None => format!("Bearer realm=\"{REALM}\""),
            Some(why) => {
                format!("Bearer realm=\"{REALM}\", error=\"invalid_token\", error_description=\"{why}\"")
            }
        };
        HeaderValue::try_from(text).ok()
    }
}

impl From<DbError> for Problem {
    /// Logs the cause, which the client does not see. A conflict must have been looked for before.
    fn from(error: DbError) -> Self {
        if error.is_passing() {
            tracing::warn!(%error, "A request failed because PostgreSQL did not answer in time.");
            Self::new(Code::DependencyUnavailable)
        } else {
            tracing::error!(%error, "A request failed because PostgreSQL refused a statement.");
            Self::new(Code::Internal)
        }
    }
}

impl From<Unready> for Problem {
    fn from(error: Unready) -> Self {
        tracing::warn!(%error, "A request came while this process was not ready.");
        Self::new(Code::DependencyUnavailable)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn respond(problem: &Problem) -> (Response, Value) {
        let response = problem.respond(&RequestId::parse(b"r-1").unwrap());
        let body = serde_json::from_slice(response.body()).unwrap();
        (response, body)
    }

    #[test]
    fn every_code_is_a_word_of_its_own() {
        let mut words: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Code::ALL.len());
    }

    #[test]
    fn every_problem_says_what_rfc_9457_asks_for() {
        for code in Code::ALL {
            let (response, body) = respond(&Problem::new(*code));
            assert_eq!(response.status(), code.status());
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
            assert_eq!(body["type"], format!("urn:usher:problem:{}", code.as_str()));
            assert_eq!(body["status"], code.status().as_u16());
            assert_eq!(body["request_id"], "r-1");
            assert!(body["title"].as_str().is_some_and(|title| title.ends_with('.')));
        }
    }

    #[test]
    fn only_a_token_that_was_given_is_called_invalid() {
        let challenge = |code| {
            let (response, _) = respond(&Problem::new(code));
            response.headers().get(header::WWW_AUTHENTICATE).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(challenge(Code::TokenMissing).as_deref(), Some("Bearer realm=\"cinema\""));
        assert!(challenge(Code::TokenRevoked).is_some_and(|text| text.contains("error=\"invalid_token\"")));
        assert_eq!(challenge(Code::RegistrationClosed), None);
    }

    #[test]
    fn fields_and_methods_are_told() {
        let problem = Problem::new(Code::ValidationFailed).field("email", "email_invalid", "No.");
        let (_, body) = respond(&problem);
        assert_eq!(body["errors"][0]["field"], "email");
        assert_eq!(body["errors"][0]["code"], "email_invalid");
        let (response, body) = respond(&Problem::new(Code::MethodNotAllowed).allow("GET, HEAD"));
        assert_eq!(response.headers()[header::ALLOW], "GET, HEAD");
        assert!(body.get("errors").is_none() && body.get("detail").is_none());
    }
}
