//! All possible failures of a request: one closed table (RFC 9457).

use std::fmt;

use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use shared::bearer::REALM;
use shared::refusal;
use shared::request_id::RequestId;
use utoipa::ToSchema;

use crate::actor::NotSignedIn;
use crate::db::DbError;
use crate::keys::Unready;
use crate::passwords::HashError;

use super::code::Code;
use super::response::Response;

/// A failed request: a [`Code`], and further details for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    code: Code,
    detail: Option<String>,
    fields: Vec<Field>,
    flow: Option<Box<ProblemFlow>>,
    retry_after: Option<u32>,
    allow: Option<String>,
    is_denied: bool,
}

/// How the problem can be resolved.
#[derive(Clone, PartialEq, Eq)]
struct ProblemFlow {
    secret: String,
    methods: Vec<String>,
}

/// Purposefully prints nothing: it has a secret.
impl std::fmt::Debug for ProblemFlow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProblemFlow")
    }
}

/// An error of one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = FieldProblem)]
struct Field {
    /// The path of the field, such as `inner.age`.
    #[schema(max_length = 64)]
    field: String,
    /// A stable code.
    code: &'static str,
    /// A sentence for a person.
    detail: String,
}

/// A failed request (RFC 9457, section 3.1, with the extensions `code`, `request_id` and `errors`).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'p> {
    /// `urn:usher:problem:` followed by the code.
    #[schema(pattern = "^urn:usher:problem:[a-z_]+$")]
    r#type: String,
    /// A sentence that is always the same for one code.
    title: &'p str,
    status: u16,
    /// A sentence about this occurrence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<&'p str>,
    /// The stable code by which problems are distinguished.
    code: &'p str,
    /// The identifier of the request in all logs.
    request_id: &'p str,
    /// The token for the routes below `/api/v1/oauth/link/`, or `/api/v1/auth/erasure/`, valid for ten minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    flow: Option<&'p str>,
    /// With a `flow`: what the user can do (`/api/v1/oauth/link/show`; `keep` or `erase_now`).
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    #[schema(required = false)]
    methods: &'p [String],
    /// The invalid fields.
    #[serde(skip_serializing_if = "<[Field]>::is_empty")]
    #[schema(required = false)]
    errors: &'p [Field],
}

impl Problem {
    /// A problem with this code and no details.
    pub fn new(code: Code) -> Self {
        let retry_after = match code {
            Code::Overloaded | Code::DependencyUnavailable | Code::ProviderUnavailable => Some(1),
            _ => None,
        };
        Self {
            code,
            detail: None,
            fields: Vec::new(),
            flow: None,
            retry_after,
            allow: None,
            is_denied: false,
        }
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The sentence about this occurrence.
    pub(crate) fn about_this(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// The invalid fields, each with a code.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.fields.iter().map(|field| (field.field.as_str(), field.code))
    }

    /// The number of seconds after which the client may retry.
    pub(crate) fn seconds(&self) -> Option<u32> {
        self.retry_after
    }

    /// Its resolution token, where it has one.
    pub(crate) fn flow_secret(&self) -> Option<&str> {
        self.flow.as_ref().map(|flow| flow.secret.as_str())
    }

    /// Adds a sentence about this occurrence. Never the cause of a 5xx.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds an invalid field: its name, a stable code, and a sentence.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        self.fields.push(Field { field: field.into(), code, detail: detail.into() });
        self
    }

    /// Adds the fields of `other`, up to `most` in total. A problem of fields with several codes is
    /// `validation_failed`, without a sentence about only one of them.
    #[must_use]
    pub(super) fn with_fields_of(mut self, other: Self, most: usize) -> Self {
        if self.code != other.code {
            self.code = Code::ValidationFailed;
            self.detail = None;
        }
        self.fields.extend(other.fields);
        self.fields.truncate(most);
        self
    }

    /// Adds the token that resolves the problem by one of `methods`. It is a secret: together with the password it signs
    /// the user in.
    #[must_use]
    pub fn flow(mut self, secret: impl Into<String>, methods: Vec<String>) -> Self {
        self.flow = Some(Box::new(ProblemFlow { secret: secret.into(), methods }));
        self
    }

    /// Sets the number of seconds after which the client may retry.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Sets the methods that the path supports.
    #[must_use]
    pub fn allow(mut self, methods: impl Into<String>) -> Self {
        self.allow = Some(methods.into());
        self
    }

    /// Marks that the caller tried something that they may not do: such calls are audited.
    #[must_use]
    pub(crate) fn denied(mut self) -> Self {
        self.is_denied = true;
        self
    }

    /// Whether the caller tried something that they may not do.
    pub(crate) fn is_denied(&self) -> bool {
        self.is_denied
    }

    /// The body of the problem.
    pub(crate) fn body<'p>(&'p self, request_id: &'p RequestId) -> ProblemBody<'p> {
        ProblemBody {
            r#type: format!("urn:usher:problem:{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: self.detail.as_deref(),
            code: self.code.as_str(),
            request_id: request_id.as_str(),
            flow: self.flow_secret(),
            methods: self.flow.as_ref().map_or(&[], |flow| &flow.methods),
            errors: &self.fields,
        }
    }

    /// The problem as sent.
    pub fn respond(&self, request_id: &RequestId) -> Response {
        let mut response = Response::json(self.code.status(), &self.body(request_id))
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

    /// The challenge that every 401 carries (RFC 9110, section 11.6.1): bare unless a token was sent.
    fn challenge(&self) -> Option<HeaderValue> {
        if self.code.status() != StatusCode::UNAUTHORIZED {
            return None;
        }
        let refused = refusal::find(self.code.as_str());
        let text = match refused.and_then(|refused| Some((refused.challenge_error?, refused.sentence))) {
            None => format!("Bearer realm=\"{REALM}\""),
            Some((error, why)) => {
                format!("Bearer realm=\"{REALM}\", error=\"{error}\", error_description=\"{why}\"")
            }
        };
        HeaderValue::try_from(text).ok()
    }
}

/// For a command, which prints it.
impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code.title())?;
        self.detail.iter().try_for_each(|detail| write!(f, " {detail}"))?;
        self.fields.iter().try_for_each(|field| write!(f, " {}: {}", field.field, field.detail))
    }
}

impl std::error::Error for Problem {}

impl From<DbError> for Problem {
    /// Logs the cause, which the client does not see. Conflicts must have been handled before.
    fn from(error: DbError) -> Self {
        if error.is_unavailable() {
            tracing::warn!(%error, "Request failed: PostgreSQL is unavailable.");
            Self::new(Code::DependencyUnavailable)
        } else {
            tracing::error!(%error, "Request failed: PostgreSQL returned an error.");
            Self::new(Code::Internal)
        }
    }
}

impl From<NotSignedIn> for Problem {
    fn from(_: NotSignedIn) -> Self {
        Self::new(Code::TokenMissing)
    }
}

impl From<HashError> for Problem {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Overloaded { retry_after } => {
                let seconds = u32::try_from(retry_after.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
                Self::new(Code::Overloaded).retry_after(seconds.max(1))
            }
            HashError::Malformed | HashError::Failed => {
                tracing::error!(%error, "Request failed: cannot compute or check its password hash.");
                Self::new(Code::Internal)
            }
        }
    }
}

impl From<Unready> for Problem {
    fn from(error: Unready) -> Self {
        tracing::warn!(%error, "Request refused: this process is not ready yet.");
        Self::new(Code::DependencyUnavailable)
    }
}

/// An error as a sentence for a person: with a capital letter and a full stop.
pub(crate) fn sentence(error: impl fmt::Display) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    let first = characters.next();
    first.into_iter().flat_map(char::to_uppercase).chain(characters).chain(['.']).collect()
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
    fn a_sentence_has_a_capital_letter_and_a_full_stop() {
        assert_eq!(sentence("must be a number"), "Must be a number.");
        assert_eq!(sentence("`a b` is not a name"), "`a b` is not a name.");
        assert_eq!(sentence(""), ".");
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
            assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
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
    fn fields_and_allowed_methods_are_in_the_answer() {
        let problem = Problem::new(Code::ValidationFailed).field("email", "email_invalid", "No.");
        let (_, body) = respond(&problem);
        assert_eq!(body["errors"][0]["field"], "email");
        assert_eq!(body["errors"][0]["code"], "email_invalid");
        let (response, body) = respond(&Problem::new(Code::MethodNotAllowed).allow("GET, HEAD"));
        assert_eq!(response.headers()[header::ALLOW], "GET, HEAD");
        assert!(body.get("errors").is_none() && body.get("detail").is_none());
    }
}
