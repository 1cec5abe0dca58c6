//! Documents that are downloaded from a provider and used until they are too old.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::error::ProviderError;
use super::transport::Transport;

/// How long a document is used before it is downloaded again.
pub(super) const MAX_AGE: Duration = Duration::from_secs(3600);

/// A downloaded value, and when it was downloaded.
pub(super) struct Fetched<T> {
    pub(super) value: T,
    at: Instant,
}

impl<T> Fetched<T> {
    pub(super) fn now(value: T) -> Self {
        Self { value, at: Instant::now() }
    }

    pub(super) fn is_older_than(&self, age: Duration) -> bool {
        self.at.elapsed() > age
    }
}

/// Downloads a JSON document.
pub(super) async fn download(transport: &Transport, url: Url) -> Result<Value, ProviderError> {
    transport.send(reqwest::Request::new(http::Method::GET, url)).await
}
