//! TLS to PostgreSQL, in the words of its own library: `sslmode` and `sslrootcert` of the URL.
//!
//! Two of its modes are missing on purpose: `allow` and `prefer` go on without TLS when somebody in between wants it so.
//! And `require` is as strict here as `verify-full`: a certificate that nobody looks at protects nobody.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use shared::certificates;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What a URL says of TLS.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    mode: Option<String>,
    roots: Option<String>,
}

impl Parameters {
    /// Takes them out of a URL: the rest is for the driver, which knows neither all modes nor the other parameter.
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

    /// Whether TLS is spoken, and by what it is made.
    pub(super) fn read(&self) -> Result<(SslMode, MakeRustlsConnect), String> {
        match self.mode.as_deref() {
            None | Some("disable") if self.roots.is_none() => {
                Ok((SslMode::Disable, connect(RootCertStore::empty())?))
            }
            None | Some("disable") => {
                Err("sslrootcert is for sslmode=verify-full, which is missing".to_owned())
            }
            Some("require" | "verify-full") => Ok((SslMode::Require, connect(self.trusted()?)?)),
            Some(_) => Err("sslmode is verify-full, or require, which is the same here, or disable; \
                            what falls back to no TLS, or does not look at the host, is not supported"
                .to_owned()),
        }
    }

    /// Those of the file, or those of the system.
    fn trusted(&self) -> Result<RootCertStore, String> {
        if let Some(path) = &self.roots {
            return certificates::roots(path).map_err(|why| format!("sslrootcert: {why}"));
        }
        let mut roots = RootCertStore::empty();
        let (_added, _unfit) =
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err("the system trusts no certificate; name a file of them with sslrootcert".to_owned());
        }
        Ok(roots)
    }
}

fn connect(roots: RootCertStore) -> Result<MakeRustlsConnect, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|why| format!("TLS cannot be had: {why}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mode_of(url: &str) -> Result<SslMode, String> {
        Parameters::take(url).1.read().map(|(mode, _)| mode)
    }

    #[test]
    fn tls_is_asked_for_in_full_or_not_at_all() {
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
        assert!(gone.contains("/nowhere cannot be read"), "{gone}");
    }

    #[test]
    fn the_driver_gets_the_rest() {
        let (rest, taken) =
            Parameters::take("postgres://u:p@a/d?sslmode=require&connect_timeout=3&sslrootcert=/ca");
        assert_eq!(rest, "postgres://u:p@a/d?connect_timeout=3");
        let parameters = Parameters { mode: Some("require".to_owned()), roots: Some("/ca".to_owned()) };
        assert_eq!(taken, parameters);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart_without_panic(text in "\\PC{0,60}", query in "[a-z=&?%/]{0,40}") {
            let _any = (Parameters::take(&text), Parameters::take(&format!("?{query}")));
        }
    }
}
