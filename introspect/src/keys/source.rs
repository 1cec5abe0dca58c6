//! Where a key set comes from: an URL or a file.

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
pub enum Location {
    /// Fetched over HTTP.
    Url(Url),
    /// Read from disk.
    File(PathBuf),
}

/// The text is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an http or https URL, or file:/absolute/path")]
pub struct NotALocation;

/// A location that can be read.
pub struct Source {
    location: Location,
    client: Option<reqwest::Client>,
}

/// The document could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The HTTP client could not be made, or the request failed.
    #[error("{}", with_cause(.0))]
    Http(#[from] reqwest::Error),
    /// The server answered, but not with the document.
    #[error("the answer was {0}")]
    Status(reqwest::StatusCode),
    /// The document is too long to be one.
    #[error("the document has more than {MAX_BYTES} bytes")]
    TooLong,
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] std::io::Error),
}

impl FromStr for Location {
    type Err = NotALocation;

    fn from_str(text: &str) -> Result<Self, NotALocation> {
        if let Some(path) = text.strip_prefix("file:") {
            return if path.starts_with('/') { Ok(Self::File(path.into())) } else { Err(NotALocation) };
        }
        let url: Url = text.parse().map_err(|_| NotALocation)?;
        if matches!(url.scheme(), "http" | "https") { Ok(Self::Url(url)) } else { Err(NotALocation) }
    }
}

impl fmt::Display for Source {
    /// Without a password that the URL may hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Location::Url(url) => {
                write!(f, "{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
            }
            Location::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl Source {
    /// A source for `location`.
    ///
    /// # Errors
    ///
    /// When no HTTP client can be made, such as for want of root certificates.
    pub fn new(location: Location) -> Result<Self, SourceError> {
        let client = match &location {
            Location::Url(url) => Some(client(url)?),
            Location::File(_) => None,
        };
        Ok(Self { location, client })
    }

    /// Whether it is a file.
    pub const fn is_file(&self) -> bool {
        matches!(self.location, Location::File(_))
    }

    /// The document, bounded in time and size.
    ///
    /// # Errors
    ///
    /// When it cannot be had.
    pub async fn fetch(&self) -> Result<Vec<u8>, SourceError> {
        match (&self.location, &self.client) {
            (Location::Url(url), Some(client)) => download(client, url.clone()).await,
            (Location::Url(_) | Location::File(_), _) => Ok(self.read()?),
        }
    }

    fn read(&self) -> std::io::Result<Vec<u8>> {
        match &self.location {
            Location::File(path) => std::fs::read(path),
            Location::Url(_) => Err(std::io::ErrorKind::NotFound.into()),
        }
    }
}

/// No redirects and no proxy of the environment: the keys come from where the configuration says.
fn client(url: &Url) -> Result<reqwest::Client, reqwest::Error> {
    let builder = reqwest::Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT)
        .timeout(TOTAL)
        .pool_max_idle_per_host(0);
    // Without TLS to speak, the roots of the system need not be read and held.
    if url.scheme() == "http" { builder.tls_certs_only([]).build() } else { builder.build() }
}

async fn download(client: &reqwest::Client, url: Url) -> Result<Vec<u8>, SourceError> {
    let mut answer = client.get(url).send().await?;
    if answer.status() != reqwest::StatusCode::OK {
        return Err(SourceError::Status(answer.status()));
    }
    let mut document = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if document.len() + chunk.len() > MAX_BYTES {
            return Err(SourceError::TooLong);
        }
        document.extend_from_slice(&chunk);
    }
    Ok(document)
}

/// Writes a file that is either the old or the new one, whenever the machine stops.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let mut file = std::fs::File::create(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&part, path)
}

/// The whole chain: the outermost sentence of the client says only that something failed. Never the URL,
/// which may hold a password.
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
            assert!(good.parse::<Location>().is_ok(), "{good}");
        }
        for bad in ["", "file:a", "ftp://a/", "/a/b", "http:", "file:"] {
            assert!(bad.parse::<Location>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_in_the_url_is_not_shown() {
        let source =
            Source { location: "http://user:hunter2@a/keys?k=hunter2".parse().unwrap(), client: None };
        assert_eq!(source.to_string(), "http://a/keys");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_panic(text: String) {
            let _any = text.parse::<Location>();
        }
    }
}
