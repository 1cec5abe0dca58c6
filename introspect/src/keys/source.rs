//! The source of a key set: a URL or a file.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::redirect::Policy;
use runtime::causes::causes;
use runtime::file;
use shared::token::JwksError;
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

/// A source that can be read.
pub enum KeySource {
    /// A document of a server.
    Url(Url, reqwest::Client),
    /// A file.
    File(PathBuf),
}

/// Why a document cannot be read or used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct KeySourceError(String);

impl From<JwksError> for KeySourceError {
    fn from(error: JwksError) -> Self {
        Self(error.to_string())
    }
}

impl From<reqwest::Error> for KeySourceError {
    /// Never the URL, which may contain a password.
    fn from(error: reqwest::Error) -> Self {
        let what = if error.is_timeout() { "timed out" } else { "failed" };
        Self(format!("{what}: {}", causes(&error.without_url())))
    }
}

impl KeyLocation {
    /// Reads one of the two forms.
    ///
    /// # Errors
    ///
    /// If it is neither.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let location = match text.strip_prefix("file:") {
            Some(path) => path.starts_with('/').then(|| Self::File(path.into())),
            None => {
                text.parse().ok().filter(|url: &Url| matches!(url.scheme(), "http" | "https")).map(Self::Url)
            }
        };
        location.ok_or("must be an http or https URL, or file:/absolute/path")
    }
}

impl fmt::Display for KeySource {
    /// Without the password and the query of the URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url, _) => {
                write!(f, "{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
            }
            Self::File(path) => write!(f, "file:{}", path.display()),
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
        Ok(match location {
            KeyLocation::Url(url) => {
                let client = client(&url).map_err(|error| {
                    KeySourceError(format!("INTROSPECT_JWKS: cannot create the HTTP client: {error}"))
                })?;
                Self::Url(url, client)
            }
            KeyLocation::File(path) => Self::File(path),
        })
    }

    /// Whether the source is a file.
    pub const fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// Reads the document, within limits of time and size. A disk that hangs keeps only this task waiting.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub async fn fetch(&self) -> Result<Vec<u8>, KeySourceError> {
        match self {
            Self::Url(url, client) => download(client, url.clone()).await,
            Self::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || file::read(&path, MAX_BYTES)).await;
                read.map_err(io::Error::other).flatten().map_err(|error| KeySourceError(error.to_string()))
            }
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
        return Err(KeySourceError(format!("the server answered {}", answer.status())));
    }
    let mut document = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if document.len() + chunk.len() > MAX_BYTES {
            return Err(KeySourceError(format!("the document is longer than {MAX_BYTES} bytes")));
        }
        document.extend_from_slice(&chunk);
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn urls_and_absolute_files_are_locations() {
        for good in ["http://a/jwks.json", "https://a:1/", "file:/a/b"] {
            assert!(KeyLocation::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "file:a", "ftp://a/", "/a/b", "http:", "file:"] {
            assert!(KeyLocation::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_in_the_url_is_not_shown() {
        let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let location = KeyLocation::parse("http://user:hunter2@a/keys?k=hunter2").unwrap();
        let source = KeySource::new(location).unwrap();
        assert_eq!(source.to_string(), "http://a/keys");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_panic(text: String) {
            let _any = KeyLocation::parse(&text);
        }
    }
}
