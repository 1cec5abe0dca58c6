//! Files of certificates, by which a server that is asked by TLS has to be certified.

use std::fs;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The file at `path`, in the form of PEM.
///
/// # Errors
///
/// When the path is not absolute, the file cannot be read, or it has no certificate that can be trusted.
pub fn read(path: &str) -> Result<Vec<u8>, String> {
    if !Path::new(path).is_absolute() {
        return Err("it is an absolute path".to_owned());
    }
    let pem = fs::read(path).map_err(|why| format!("{path} cannot be read: {why}"))?;
    let trusted = trusted(&pem).map_err(|why| format!("{path} cannot be read as PEM: {why}"))?;
    if trusted.is_empty() {
        return Err(format!("{path} has no certificate in the form of PEM"));
    }
    Ok(pem)
}

/// The same, as rustls takes it.
///
/// # Errors
///
/// As [`read`].
pub fn roots(path: &str) -> Result<RootCertStore, String> {
    trusted(&read(path)?).map_err(|why| why.to_string())
}

/// Those that can be trusted.
fn trusted(pem: &[u8]) -> Result<RootCertStore, rustls::pki_types::pem::Error> {
    let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>()?;
    let mut roots = RootCertStore::empty();
    let (_added, _unfit) = roots.add_parsable_certificates(certificates);
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_certificate_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
        for (path, told) in [
            ("ca.pem".to_owned(), "an absolute path"),
            ("/nowhere/ca.pem".to_owned(), "/nowhere/ca.pem cannot be read: "),
            (file("empty", ""), "has no certificate"),
            (file("text", "ca"), "has no certificate"),
            (
                file("key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
                "has no certificate",
            ),
            (file("zeros", &format!("{begin}\nAAAA\n{end}\n")), "has no certificate"),
            (file("cut", &format!("{begin}\nAAAA\n")), "cannot be read as PEM"),
        ] {
            let why = read(&path).unwrap_err();
            assert!(why.contains(told), "{path}: {why}");
            assert_eq!(roots(&path).unwrap_err(), why);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>, text in "(-----BEGIN CERTIFICATE-----\\n)?[A-Za-z0-9+/=\\n]{0,80}(-----END CERTIFICATE-----)?") {
            let _either = (trusted(&bytes).is_ok(), trusted(text.as_bytes()).is_ok());
        }
    }
}
