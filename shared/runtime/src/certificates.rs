//! Files of certificate authorities: who must have signed the certificate of a TLS server.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::file;

/// The longest file: several times what the system trust store has.
const MAX_BYTES: usize = 4 << 20;

/// The content of the PEM file at `path`.
///
/// # Errors
///
/// If the path is not absolute, the file cannot be read, or it has no certificate that can be trusted. The text does
/// not have the path, because [`Reader`](crate::env::Reader) adds it.
pub fn read(path: &str) -> Result<Vec<u8>, String> {
    if !Path::new(path).is_absolute() {
        return Err("must be an absolute path".to_owned());
    }
    let pem = file::read(Path::new(path), MAX_BYTES)
        .map_err(|why| format!("must be the path of a readable file ({why})"))?;
    let trusted = trusted(&pem).map_err(|why| format!("must be the path of a file in PEM format ({why})"))?;
    if trusted.is_empty() {
        return Err("must be the path of a PEM file with at least one valid certificate".to_owned());
    }
    Ok(pem)
}

/// The same for rustls.
///
/// # Errors
///
/// As [`read`], with the path.
pub fn roots(path: &str) -> Result<RootCertStore, String> {
    read(path)
        .and_then(|pem| trusted(&pem).map_err(|why| why.to_string()))
        .map_err(|why| format!("{why}; got `{path}`"))
}

/// The certificates that can be trusted.
fn trusted(pem: &[u8]) -> Result<RootCertStore, rustls::pki_types::pem::Error> {
    let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>()?;
    let mut roots = RootCertStore::empty();
    let (_added, _unfit) = roots.add_parsable_certificates(certificates);
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
        for (path, expected) in [
            ("ca.pem".to_owned(), "an absolute path"),
            ("/nowhere/ca.pem".to_owned(), "readable file (No such file"),
            (file("empty", ""), "at least one valid certificate"),
            (file("text", "ca"), "at least one valid certificate"),
            (
                file("key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
                "at least one valid certificate",
            ),
            (file("zeros", &format!("{begin}\nAAAA\n{end}\n")), "at least one valid certificate"),
            (file("cut", &format!("{begin}\nAAAA\n")), "in PEM format"),
        ] {
            let why = read(&path).unwrap_err();
            assert!(why.contains(expected), "{path}: {why}");
            assert_eq!(roots(&path).unwrap_err(), format!("{why}; got `{path}`"));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>, text in "(-----BEGIN CERTIFICATE-----\\n)?[A-Za-z0-9+/=\\n]{0,80}(-----END CERTIFICATE-----)?") {
            let _either = (trusted(&bytes).is_ok(), trusted(text.as_bytes()).is_ok());
        }
    }
}
