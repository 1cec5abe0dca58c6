//! Certificates of an authority of its own.

use std::fs;
use std::process::Command;

use harness::{Folder, random};

/// A certificate and its authority.
pub(crate) struct Certified {
    folder: Folder,
}

impl Certified {
    /// A new authority, and a certificate issued by it for `localhost` alone.
    pub(crate) fn new() -> Self {
        let certified = Self { folder: Folder::temporary().unwrap() };
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        // The authorities need different names: with the same name, the other's signature would only look damaged.
        let subject = format!("/CN={}", random::word().unwrap());
        certified.openssl(&[
            &["req", "-x509", "-subj", &subject, "-keyout", "ca.key", "-out", "ca.pem"],
            &key[..],
        ]);
        let names = ["-addext", "subjectAltName=DNS:localhost", "-subj", "/CN=localhost"];
        certified.openssl(&[&["req", "-keyout", "server.key", "-out", "server.csr"], &names[..], &key[..]]);
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
        ]]);
        certified
    }

    fn openssl(&self, args: &[&[&str]]) {
        let mut command = Command::new("openssl");
        let told = command.args(args.concat()).current_dir(self.folder.path()).output();
        let told = told.expect("openssl is installed: ./compose/local test installs it");
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    }

    /// One of its files.
    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap()
    }

    /// The authority's certificate, in a file that every program can read.
    pub(crate) fn authority(&self) -> String {
        self.folder.write("authority.pem", &self.text("ca.pem")).unwrap().display().to_string()
    }
}
