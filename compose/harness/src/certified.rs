//! Certificates of an authority of its own, made by `openssl`.

use std::process::Command;

use crate::error::Doing as _;
use crate::{Error, Folder, random};

/// A certificate and its authority.
#[derive(Debug)]
pub struct Certified {
    folder: Folder,
}

impl Certified {
    /// A new authority, and a certificate issued by it for `localhost` alone.
    ///
    /// # Errors
    ///
    /// When `openssl` is not installed, or fails.
    pub fn new() -> Result<Self, Error> {
        let certified = Self { folder: Folder::temporary()? };
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        // The authorities need different names: with the same name, the other's signature would only look damaged.
        let subject = format!("/CN={}", random::word()?);
        certified.openssl(&[
            &["req", "-x509", "-subj", &subject, "-keyout", "ca.key", "-out", "ca.pem"],
            &key[..],
        ])?;
        let names = ["-addext", "subjectAltName=DNS:localhost", "-subj", "/CN=localhost"];
        certified.openssl(&[
            &["req", "-keyout", "server.key", "-out", "server.csr"],
            &names[..],
            &key[..],
        ])?;
        certified.openssl(&[&[
            "x509",
            "-req",
            "-in",
            "server.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-copy_extensions",
            "copy",
            "-out",
            "server.pem",
        ]])?;
        Ok(certified)
    }

    fn openssl(&self, args: &[&[&str]]) -> Result<(), Error> {
        let mut command = Command::new("openssl");
        let ended = command.args(args.concat()).current_dir(self.folder.path()).output();
        let ended = ended.doing(|| "openssl cannot be run; ./compose/local test installs it".to_owned())?;
        if ended.status.success() {
            return Ok(());
        }
        Err(Error::Other(format!("openssl failed: {}", String::from_utf8_lossy(&ended.stderr))))
    }

    /// The content of one of its files: `ca.pem`, `server.pem` or `server.key`.
    ///
    /// # Errors
    ///
    /// When there is no such file.
    pub fn text(&self, name: &str) -> Result<String, Error> {
        std::fs::read_to_string(self.folder.path().join(name)).doing(|| format!("{name} cannot be read"))
    }

    /// The authority's certificate, in a file that every program can read.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn authority(&self) -> Result<String, Error> {
        Ok(self.folder.write("authority.pem", &self.text("ca.pem")?)?.display().to_string())
    }
}
