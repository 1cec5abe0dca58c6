//! HTTP requests to providers: to the configured URLs and nowhere else, with limits of time and size.

use std::sync::{Arc, OnceLock};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{HeaderMap, StatusCode, header};
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::redirect::Policy;
use runtime::causes::causes;
use runtime::telemetry::TRACE;
use serde_json::Value;
use shared::json;
use tokio::time::timeout;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::config::Limits;
use super::error::ProviderError;

/// The longest response body. An ID token with all groups of a user may nearly be that long.
const MAX_BYTES: usize = 64 * 1024;

/// GitHub rejects requests without one.
const USER_AGENT: &str = "usher";

/// An HTTP client for providers. Cheap to clone.
#[derive(Clone)]
pub(super) struct Transport {
    /// Set once it has been created.
    client: Arc<OnceLock<reqwest::Client>>,
    limits: Limits,
}

impl Transport {
    /// Opens nothing, and sends nothing before [`Self::prepare`].
    pub(super) fn new(limits: Limits) -> Self {
        Self { client: Arc::default(), limits }
    }

    /// Creates the client, which follows no redirect and uses no proxy of the environment.
    ///
    /// # Errors
    ///
    /// When none can be created, for example without root certificates.
    pub(super) fn prepare(&self) -> Result<(), reqwest::Error> {
        // The client uses the cryptography of the process, which may have been installed before.
        let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(self.limits.connect)
            .timeout(self.limits.request)
            .user_agent(USER_AGENT);
        let _set_before = self.client.set(builder.build()?);
        Ok(())
    }

    /// Sends `request`, and returns the JSON of the response.
    ///
    /// # Errors
    ///
    /// When the provider does not respond, or not with JSON and a status of success, or with an OAuth error or too
    /// long a body.
    pub(super) async fn send(&self, request: reqwest::Request) -> Result<Value, ProviderError> {
        let span = span(&request);
        let exchange = async {
            // Created before the service listens, see `Providers::prepare`.
            let client = self.client.get();
            let client =
                client.ok_or_else(|| ProviderError::Unreachable("there is no HTTP client".to_owned()))?;
            let mut response = client.execute(request).await.map_err(failure)?;
            let status = response.status();
            span.record("http.response.status_code", status.as_u16());
            if status.is_server_error() {
                return Err(ProviderError::Status(status.as_u16()));
            }
            if is_rate_limit(status, response.headers()) {
                return Err(ProviderError::RateLimited);
            }
            if status.is_redirection() {
                return Err(ProviderError::InvalidResponse("it is a redirect"));
            }
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(failure)? {
                if body.len() + chunk.len() > MAX_BYTES {
                    return Err(ProviderError::InvalidResponse("the body is too long"));
                }
                body.extend_from_slice(&chunk);
            }
            read(status, &body)
        };
        // The client's own timeout does not cover everything; this one does.
        let received = timeout(self.limits.request, exchange).instrument(span.clone()).await;
        let received = received.unwrap_or(Err(ProviderError::Timeout));
        if let Err(error) = &received {
            span.record("error.type", error.kind()).record("otel.status_code", "ERROR");
        }
        received
    }
}

/// Whether a response refuses because of too many requests. GitHub does so with 403 too (docs.github.com, "Rate limits
/// for the REST API").
fn is_rate_limit(status: StatusCode, headers: &HeaderMap) -> bool {
    let is_exhausted = headers.get("x-ratelimit-remaining").is_some_and(|rest| rest == "0");
    status == StatusCode::TOO_MANY_REQUESTS
        || (status == StatusCode::FORBIDDEN && (is_exhausted || headers.contains_key(header::RETRY_AFTER)))
}

/// Whether the text of an error names a rate limit. GitHub may refuse with 403 and a text alone if its secondary limits are
/// exceeded (docs.github.com, "Rate limits for the REST API").
fn names_rate_limit(body: &Value) -> bool {
    let message = body.get("message").and_then(Value::as_str);
    message.is_some_and(|text| text.to_ascii_lowercase().contains("rate limit"))
}

/// Reads the JSON of a success. Many providers send their errors with a status of success, too.
fn read(status: StatusCode, body: &[u8]) -> Result<Value, ProviderError> {
    let value = json::value(body).ok();
    // The code of an OAuth error, in any of the usual forms: `Some(None)` for an error without code.
    let error = match value.as_ref().and_then(|body| body.get("error")) {
        None | Some(Value::Null) => None,
        Some(Value::String(code)) => Some(Some(code.as_str())),
        Some(Value::Object(error)) => Some(error.get("type").and_then(Value::as_str)),
        Some(_) => Some(None),
    };
    if let Some(code) = error {
        return Err(ProviderError::rejected(code));
    }
    if status == StatusCode::FORBIDDEN && value.as_ref().is_some_and(names_rate_limit) {
        return Err(ProviderError::RateLimited);
    }
    if !status.is_success() {
        return Err(ProviderError::Status(status.as_u16()));
    }
    value.ok_or(ProviderError::InvalidResponse("the body is not JSON"))
}

/// Sends what the `oauth2` crate has built. Errors are recognised here, whatever their status, and a content type that
/// deviates from the standard is ignored.
impl<'c> AsyncHttpClient<'c> for Transport {
    type Error = ProviderError;
    type Future = BoxFuture<'c, Result<HttpResponse, ProviderError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        async move {
            let request = reqwest::Request::try_from(request)
                .map_err(|_| ProviderError::InvalidResponse("the token request cannot be built"))?;
            let value = self.send(request).await?;
            check_object(&value)?;
            Ok(HttpResponse::new(value.to_string().into_bytes()))
        }
        .boxed()
    }
}

/// Names are those of OpenTelemetry's conventions for HTTP (version 1.23). Path and query are left out: they may contain a token.
fn span(request: &reqwest::Request) -> Span {
    tracing::info_span!(
        target: TRACE,
        "provider",
        otel.name = request.method().as_str(),
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = request.method().as_str(),
        http.response.status_code = Empty,
        server.address = request.url().host_str(),
        server.port = request.url().port_or_known_default(),
        error.r#type = Empty,
    )
}

/// Refuses what is not an object without repeated members: the code that reads a token response would also accept an
/// array with its members in order.
fn check_object(value: &Value) -> Result<(), ProviderError> {
    if value.is_object() {
        Ok(())
    } else {
        Err(ProviderError::InvalidResponse("the body is not one JSON object"))
    }
}

/// Without the URL, which may hold a token.
fn failure(error: reqwest::Error) -> ProviderError {
    if error.is_timeout() {
        return ProviderError::Timeout;
    }
    let error = error.without_url();
    let text = causes(&error);
    ProviderError::Unreachable(if text.is_empty() { error.to_string() } else { text })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(status: u16, body: &str) -> Result<Value, ProviderError> {
        super::read(StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    #[test]
    fn an_error_is_recognised_whatever_the_status() {
        let rejected = |code: &str| Err(ProviderError::Rejected(Some(code.to_owned())));
        assert_eq!(read(200, r#"{"error":"invalid_token"}"#), rejected("invalid_token"));
        assert_eq!(
            read(400, r#"{"error":{"type":"OAuthException","code":100}}"#),
            rejected("OAuthException")
        );
        assert_eq!(read(200, r#"{"error":5}"#), Err(ProviderError::Rejected(None)));
        assert_eq!(read(200, r#"{"error":null,"id":1}"#), Ok(json!({ "error": null, "id": 1 })));
        assert_eq!(read(404, "{}"), Err(ProviderError::Status(404)));
        assert_eq!(read(401, "<html>"), Err(ProviderError::Status(401)));
        assert_eq!(read(200, "<html>"), Err(ProviderError::InvalidResponse("the body is not JSON")));
    }

    #[test]
    fn a_refusal_is_a_rate_limit_only_if_it_is_marked_as_one() {
        for (status, name, value, expected) in [
            (403, "retry-after", "60", true),
            (403, "x-ratelimit-remaining", "0", true),
            (403, "x-ratelimit-remaining", "59", false),
            (403, "x-ratelimit-limit", "0", false),
            (404, "x-ratelimit-remaining", "0", false),
            (200, "x-ratelimit-remaining", "0", false),
            (429, "x-ratelimit-remaining", "59", true),
        ] {
            let headers = HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
            let is_limit = is_rate_limit(StatusCode::from_u16(status).unwrap(), &headers);
            assert_eq!(is_limit, expected, "{status} {name}: {value}");
        }
    }

    #[test]
    fn a_refusal_may_be_marked_as_a_rate_limit_by_its_text_alone() {
        let body = r#"{"message":"You have exceeded a secondary rate limit. Please wait a few minutes."}"#;
        assert_eq!(read(403, body), Err(ProviderError::RateLimited));
        assert_eq!(read(404, body), Err(ProviderError::Status(404)));
        for other in
            [r#"{"message":"Resource not accessible by integration"}"#, r#"{"message":7}"#, "rate limit"]
        {
            assert_eq!(read(403, other), Err(ProviderError::Status(403)), "{other}");
        }
    }

    #[test]
    fn a_token_response_is_one_object() {
        let check = |body: &str| check_object(&read(200, body).unwrap());
        assert_eq!(check(r#"{"access_token":"a"}"#), Ok(()));
        for other in [r#"["a","Bearer"]"#, r#"{"access_token":"a","access_token":"b"}"#, "null", r#""a""#] {
            assert!(check(other).is_err(), "{other}");
        }
    }
}
