//! Requests to providers: where the configuration says and nowhere else, within bounds of time and size.

use std::time::Duration;

use http::StatusCode;
use reqwest::redirect::Policy;
use runtime::telemetry::TRACE;
use serde_json::Value;
use tokio::time::timeout;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::error::ProviderError;

const CONNECT: Duration = Duration::from_secs(3);
const TOTAL: Duration = Duration::from_secs(5);

/// No honest answer is longer.
const MAX_BYTES: usize = 64 * 1024;

/// GitHub refuses whoever does not say a name.
const USER_AGENT: &str = "usher";

/// An HTTP client for providers. Cheap to clone.
#[derive(Clone)]
pub(super) struct Transport(reqwest::Client);

/// An answer, read whole.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

impl Transport {
    /// A client, which follows no redirect and asks no proxy of the environment.
    ///
    /// # Errors
    ///
    /// When none can be made, such as for want of root certificates.
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        // The client asks the process for its cryptography. It is no failure that somebody has answered that before.
        let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .user_agent(USER_AGENT);
        Ok(Self(builder.build()?))
    }

    /// The client, to put requests together with.
    pub(super) fn client(&self) -> &reqwest::Client {
        &self.0
    }

    /// Sends `request`.
    ///
    /// # Errors
    ///
    /// When the provider does not answer, answers 5xx, or says more than anybody should.
    pub(super) async fn send(&self, request: reqwest::Request) -> Result<Answer, ProviderError> {
        let span = span(&request);
        // The client's own limit begins anew for what it does not count; this one counts all.
        let sent = timeout(TOTAL, self.exchange(request)).instrument(span.clone()).await;
        let sent = sent.unwrap_or(Err(ProviderError::Timeout));
        match &sent {
            Ok(answer) => drop(span.record("http.response.status_code", answer.status.as_u16())),
            Err(error) => drop(span.record("error.type", error.kind()).record("otel.status_code", "ERROR")),
        }
        sent
    }

    async fn exchange(&self, request: reqwest::Request) -> Result<Answer, ProviderError> {
        let mut response = self.0.execute(request).await.map_err(failure)?;
        let status = response.status();
        if status.is_server_error() {
            return Err(ProviderError::Status(status.as_u16()));
        }
        if status.is_redirection() {
            return Err(ProviderError::Nonsense("it is a redirect"));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(ProviderError::Nonsense("it is too long"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, body })
    }
}

/// Names are those of OpenTelemetry's conventions for HTTP (version 1.23). Neither path nor query is in it: a token may be.
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

impl Answer {
    /// A JSON object or list of a success; many providers put their errors there as well.
    ///
    /// # Errors
    ///
    /// When it is no success, no JSON, or an error.
    pub(super) fn json(&self) -> Result<Value, ProviderError> {
        let value: Option<Value> = serde_json::from_slice(&self.body).ok();
        if let Some(code) = value.as_ref().and_then(error_of) {
            return Err(ProviderError::refused(code));
        }
        if !self.status.is_success() {
            return Err(ProviderError::Status(self.status.as_u16()));
        }
        value.ok_or(ProviderError::Nonsense("it is no JSON"))
    }
}

/// The code of an error, wherever in an answer it stands: `Some(None)` for one without.
pub(super) fn error_of(answer: &Value) -> Option<Option<&str>> {
    match answer.get("error")? {
        Value::Null => None,
        Value::String(code) => Some(Some(code)),
        Value::Object(error) => Some(error.get("type").and_then(Value::as_str)),
        _ => Some(None),
    }
}

/// Without the URL, which may hold a token.
fn failure(error: reqwest::Error) -> ProviderError {
    if error.is_timeout() {
        return ProviderError::Timeout;
    }
    let error = error.without_url();
    let mut text = String::new();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        cause = error.source();
    }
    ProviderError::Unreachable(if text.is_empty() { error.to_string() } else { text })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(status: u16, body: &str) -> Result<Value, ProviderError> {
        let status = StatusCode::from_u16(status).unwrap();
        Answer { status, body: body.into() }.json()
    }

    #[test]
    fn an_error_is_one_whatever_the_status() {
        let refused = |code: &str| Err(ProviderError::Refused(Some(code.to_owned())));
        assert_eq!(read(200, r#"{"error":"invalid_token"}"#), refused("invalid_token"));
        assert_eq!(read(400, r#"{"error":{"type":"OAuthException","code":100}}"#), refused("OAuthException"));
        assert_eq!(read(200, r#"{"error":5}"#), Err(ProviderError::Refused(None)));
        assert_eq!(read(200, r#"{"error":null,"id":1}"#), Ok(json!({ "error": null, "id": 1 })));
        assert_eq!(read(404, "{}"), Err(ProviderError::Status(404)));
        assert_eq!(read(401, "<html>"), Err(ProviderError::Status(401)));
        assert_eq!(read(200, "<html>"), Err(ProviderError::Nonsense("it is no JSON")));
    }
}
