//! The source of a key set: a URL or a file.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use reqwest::redirect::Policy;
use url::Url;

/// The longest document that is read, in bytes: hundreds of keys.
const MAX_BYTES: usize = 256 * 1024;
const CONNECT: Duration = Duration::from_secs(1);
const TOTAL: Duration = Duration::from_secs(3);

/// `http://...`, `https://...` or `file:/absolute/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyLocation {
    /// Fetched over HTTP.
    Url(Url),
    /// Read from disk.
    File(PathBuf),
}

/// The text is neither of the two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an http or https URL, or file:/absolute/path")]
pub struct InvalidKeyLocation;

/// A source that can be read.
pub struct KeySource {
    location: KeyLocation,
    client: Option<reqwest::Client>,
}

/// The document cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum KeySourceError {
    /// The HTTP client cannot be created, or the request failed.
    #[error("{}", with_cause(.0))]
    Http(#[from] reqwest::Error),
    /// The server answered, but not with the document.
    #[error("the server answered {0}")]
    Status(reqwest::StatusCode),
    /// The document is too long.
    #[error("the document is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] std::io::Error),
}

impl FromStr for KeyLocation {
    type Err = InvalidKeyLocation;

    fn from_str(text: &str) -> Result<Self, InvalidKeyLocation> {
        if let Some(path) = text.strip_prefix("file:") {
            return if path.starts_with('/') { Ok(Self::File(path.into())) } else { Err(InvalidKeyLocation) };
        }
        let url: Url = text.parse().map_err(|_| InvalidKeyLocation)?;
        if matches!(url.scheme(), "http" | "https") { Ok(Self::Url(url)) } else { Err(InvalidKeyLocation) }
    }
}

impl fmt::Display for KeySource {
    /// Without the password and the query of the URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            KeyLocation::Url(url) => {
                write!(f, "{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
            }
            KeyLocation::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl KeySource {
    /// A source for `location`.
    ///
    /// # Errors
    ///
    /// When no HTTP client can be created, for example because there are no root certificates.
    pub fn new(location: KeyLocation) -> Result<Self, KeySourceError> {
        let client = match &location {
            KeyLocation::Url(url) => Some(client(url)?),
            KeyLocation::File(_) => None,
        };
        Ok(Self { location, client })
    }

    /// Whether the source is a file.
    pub const fn is_file(&self) -> bool {
        matches!(self.location, KeyLocation::File(_))
    }

    /// Reads the document, within limits of time and size.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub async fn fetch(&self) -> Result<Vec<u8>, KeySourceError> {
        match (&self.location, &self.client) {
            (KeyLocation::Url(url), Some(client)) => download(client, url.clone()).await,
            (KeyLocation::Url(_) | KeyLocation::File(_), _) => Ok(self.read()?),
        }
    }

    fn read(&self) -> std::io::Result<Vec<u8>> {
        match &self.location {
            KeyLocation::File(path) => std::fs::read(path),
            KeyLocation::Url(_) => Err(std::io::ErrorKind::NotFound.into()),
        }
    }
}

/// No redirects and no proxy from the environment: the keys come from the configured address.
fn client(url: &Url) -> Result<reqwest::Client, reqwest::Error> {
    let builder = reqwest::Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT)
        .timeout(TOTAL)
        .pool_max_idle_per_host(0);
    // Without TLS the system trust store need not be read and held.
    if url.scheme() == "http" { builder.tls_certs_only([]).build() } else { builder.build() }
}

async fn download(client: &reqwest::Client, url: Url) -> Result<Vec<u8>, KeySourceError> {
    let mut answer = client.get(url).send().await?;
    if answer.status() != reqwest::StatusCode::OK {
        return Err(KeySourceError::Status(answer.status()));
    }
    let mut document = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if document.len() + chunk.len() > MAX_BYTES {
            return Err(KeySourceError::TooLong);
        }
        document.extend_from_slice(&chunk);
    }
    Ok(document)
}

/// Writes a file atomically: after a crash it is either the old or the new one.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let mut file = std::fs::File::create(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&part, path)
}

/// The whole chain of causes: the outermost error only says that something failed. Never the URL, which may
/// contain a password.
fn with_cause(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "timed out".to_owned() } else { "failed".to_owned() };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn urls_and_absolute_files_are_locations() {
        for good in ["http://a/jwks.json", "https://a:1/", "file:/a/b"] {
            assert!(good.parse::<KeyLocation>().is_ok(), "{good}");
        }
        for bad in ["", "file:a", "ftp://a/", "/a/b", "http:", "file:"] {
            assert!(bad.parse::<KeyLocation>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_in_the_url_is_not_shown() {
        let source =
            KeySource { location: "http://user:hunter2@a/keys?k=hunter2".parse().unwrap(), client: None };
        assert_eq!(source.to_string(), "http://a/keys");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_panic(text: String) {
            let _any = text.parse::<KeyLocation>();
        }
    }
}
