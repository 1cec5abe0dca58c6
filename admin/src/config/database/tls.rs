//! TLS to PostgreSQL, configured as in libpq: `sslmode` and `sslrootcert` in the URL.
//!
//! Two of libpq's modes are purposefully not supported: `allow` and `prefer` continue without TLS if an
//! attacker on the network wants that. And `require` is as strict here as `verify-full`: an unverified
//! certificate protects nothing.

use std::sync::Arc;

use runtime::certificates;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// The TLS parameters of a URL.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TlsParameters {
    mode: Option<String>,
    roots: Option<String>,
}

impl TlsParameters {
    /// Removes the TLS parameters from a URL: the driver supports neither all modes nor `sslrootcert`.
    pub(super) fn take(url: &str) -> (String, Self) {
        let mut taken = Self::default();
        let Some((rest, query)) = url.split_once('?') else { return (url.to_owned(), taken) };
        let mut left = Vec::new();
        for pair in query.split('&') {
            match pair.split_once('=') {
                Some(("sslmode", mode)) => taken.mode = Some(mode.to_owned()),
                Some(("sslrootcert", path)) => {
                    let text = url::form_urlencoded::parse(pair.as_bytes())
                        .next()
                        .map(|(_, path)| path.into_owned());
                    taken.roots = Some(text.unwrap_or_else(|| path.to_owned()));
                }
                _ => left.push(pair),
            }
        }
        let query = left.join("&");
        (if query.is_empty() { rest.to_owned() } else { format!("{rest}?{query}") }, taken)
    }

    /// Whether to use TLS, and with which configuration.
    pub(super) fn read(&self) -> Result<(SslMode, MakeRustlsConnect), String> {
        match self.mode.as_deref() {
            None | Some("disable") if self.roots.is_none() => {
                Ok((SslMode::Disable, connect(RootCertStore::empty())?))
            }
            None | Some("disable") => Err("sslrootcert requires sslmode=verify-full".to_owned()),
            Some("require" | "verify-full") => Ok((SslMode::Require, connect(self.trusted()?)?)),
            Some(_) => {
                Err("sslmode must be verify-full, require (which is the same here) or disable; modes \
                that fall back to no TLS or do not verify the host are not supported"
                    .to_owned())
            }
        }
    }

    /// The certificates of the file, or of the system trust store.
    fn trusted(&self) -> Result<RootCertStore, String> {
        if let Some(path) = &self.roots {
            return certificates::roots(path).map_err(|why| format!("sslrootcert: {why}"));
        }
        let mut roots = RootCertStore::empty();
        let (_added, _unfit) =
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(
                "the system trust store is empty; set sslrootcert to a file with certificates".to_owned()
            );
        }
        Ok(roots)
    }
}

fn connect(roots: RootCertStore) -> Result<MakeRustlsConnect, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|why| format!("cannot configure TLS: {why}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mode_of(url: &str) -> Result<SslMode, String> {
        TlsParameters::take(url).1.read().map(|(mode, _)| mode)
    }

    #[test]
    fn tls_is_required_in_full_or_not_used() {
        assert_eq!(mode_of("postgres://u:p@a/d"), Ok(SslMode::Disable));
        assert_eq!(mode_of("postgres://u:p@a/d?sslmode=disable"), Ok(SslMode::Disable));
        for wrong in
            ["prefer", "allow", "verify-ca", "", "verify-full&sslrootcert=ca.pem", "disable&sslrootcert=/ca"]
        {
            assert!(mode_of(&format!("postgres://u:p@a/d?sslmode={wrong}")).is_err(), "{wrong}");
        }
        let none = mode_of("postgres://u:p@a/d?sslmode=require&sslrootcert=/etc/hostname").unwrap_err();
        assert!(none.contains("/etc/hostname"), "{none}");
        let gone = mode_of("postgres://u:p@a/d?sslmode=verify-full&sslrootcert=%2Fnowhere").unwrap_err();
        assert!(gone.contains("`/nowhere`"), "{gone}");
    }

    #[test]
    fn the_driver_gets_the_rest() {
        let (rest, taken) =
            TlsParameters::take("postgres://u:p@a/d?sslmode=require&connect_timeout=3&sslrootcert=/ca");
        assert_eq!(rest, "postgres://u:p@a/d?connect_timeout=3");
        let parameters = TlsParameters { mode: Some("require".to_owned()), roots: Some("/ca".to_owned()) };
        assert_eq!(taken, parameters);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart_without_panic(text in "\\PC{0,60}", query in "[a-z=&?%/]{0,40}") {
            let _any = (TlsParameters::take(&text), TlsParameters::take(&format!("?{query}")));
        }
    }
}
