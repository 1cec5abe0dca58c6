//! The secrets of a state folder: created at its first start, stored in it, never printed.

use std::fs;
use std::path::Path;

use harness::{Error, random};

use crate::assignments::{quote, read, write_privately};

/// The secrets of the system's parts. Purposefully without `Debug`.
pub(super) struct Secrets {
    /// The password of PostgreSQL's superuser.
    pub(super) postgres: String,
    /// The master keys that encrypt admin's signing keys, in the form of admin's variable.
    pub(super) master_keys: String,
    /// The passwords of the three users of `people`, in that order.
    pub(super) passwords: [String; 3],
}

const NAMES: [&str; 5] = [
    "POSTGRES_PASSWORD",
    "ADMIN_MASTER_KEYS",
    "SUPERUSER_PASSWORD",
    "VIEWER_PASSWORD",
    "SUBSCRIBER_PASSWORD",
];

impl Secrets {
    /// The secrets at `path`; if there are none, creates and writes new ones.
    pub(super) fn kept(path: &Path) -> Result<Self, Error> {
        if !path.exists() {
            let master_keys = format!("1:{}", random::key()?);
            let fresh = [random::word()?, master_keys, random::word()?, random::word()?, random::word()?];
            let lines = NAMES.iter().zip(&fresh).map(|(name, value)| format!("{name}={}\n", quote(value)));
            write_privately(path, &lines.collect::<String>())?;
        }
        let text = fs::read_to_string(path).unwrap_or_default();
        let found: Vec<_> = read(&text).into_iter().map(|(_, value)| value).collect();
        let found: Result<[String; 5], _> = found.try_into();
        let Ok([postgres, master_keys, superuser, viewer, subscriber]) = found else {
            let folder = path.parent().unwrap_or(path).display();
            return Err(Error::Other(format!(
                "{} is damaged; remove {folder} to start with new data",
                path.display()
            )));
        };
        Ok(Self { postgres, master_keys, passwords: [superuser, viewer, subscriber] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_made_once_and_differ_between_folders() {
        let folder = tempfile::tempdir().unwrap();
        let (here, there) = (folder.path().join("a"), folder.path().join("b"));
        let first = Secrets::kept(&here).unwrap();
        assert_eq!(Secrets::kept(&here).unwrap().passwords, first.passwords);
        assert_ne!(Secrets::kept(&there).unwrap().passwords, first.passwords);
    }

    #[test]
    fn a_damaged_file_is_an_error_that_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets");
        fs::write(&path, "POSTGRES_PASSWORD='x'\n").unwrap();
        assert!(Secrets::kept(&path).err().unwrap().to_string().contains("remove"));
    }
}
