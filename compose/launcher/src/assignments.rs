//! A file of shell assignments that exists while the system that it describes runs.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use harness::Error;
use harness::error::Doing as _;

/// Removes its file when it is dropped.
pub(super) struct Assignments {
    path: PathBuf,
}

impl Assignments {
    /// Removes the file of a killed run, so that no script reads the addresses of stopped servers.
    pub(super) fn absent(path: &Path) -> Result<(), Error> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).doing(|| format!("{} cannot be removed", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Writes the file atomically, readable only by its owner, with `keyword` before each assignment.
    pub(super) fn write(
        path: &Path,
        keyword: &str,
        values: &[(impl Display, String)],
    ) -> Result<Self, Error> {
        let mut text = String::new();
        for (name, value) in values {
            text += &format!("{keyword}{name}={}\n", quote(value));
        }
        write_privately(path, &text)?;
        Ok(Self { path: path.to_owned() })
    }
}

impl Drop for Assignments {
    fn drop(&mut self) {
        let _already_gone = fs::remove_file(&self.path);
    }
}

/// Replaces the file at `path` atomically by one that only its owner can read.
pub(super) fn write_privately(path: &Path, text: &str) -> Result<(), Error> {
    let doing = || format!("{} cannot be written", path.display());
    let draft = path.with_extension("draft");
    let _absent = fs::remove_file(&draft);
    let mut file = File::options().create_new(true).write(true).mode(0o600).open(&draft).doing(doing)?;
    file.write_all(text.as_bytes()).doing(doing)?;
    fs::rename(&draft, path).doing(doing)
}

/// `value` as one word of any shell.
pub(super) fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// The content of the running system's file.
pub(super) struct RunningSystem(Vec<(String, String)>);

impl RunningSystem {
    /// Reads the file that `up` wrote.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path)
            .map_err(|_| Error::Other("nothing is running; start it first: ./compose/local up".to_owned()))?;
        Ok(Self(read(&text)))
    }

    /// A value that every running system has.
    pub(super) fn value(&self, name: &str) -> Result<String, Error> {
        let found = self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        found.ok_or_else(|| {
            Error::Other(format!("{name} is missing in the file that `up` wrote; restart ./compose/local up"))
        })
    }
}

/// Reads assignments that [`quote`] wrote.
pub(super) fn read(text: &str) -> Vec<(String, String)> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let unquoted = pairs.filter_map(|(name, value)| {
        let inner = value.strip_prefix('\'')?.strip_suffix('\'')?;
        Some((name.to_owned(), inner.replace(r"'\''", "'")))
    });
    unquoted.collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_file_is_private_and_goes_with_its_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("local.env");
        let assignments = Assignments::write(&path, "", &[("A", "1".to_owned())]).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        drop(assignments);
        assert!(!path.exists());
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        let value = r#"it's $HOME `id` "x" \ !"#;
        let script = format!("A={}; printf %s \"$A\"", quote(value));
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), value);
    }

    proptest! {
        #[test]
        fn a_quoted_value_is_read_unchanged(value in "[^\r\n]*") {
            let text = format!("A={}\n", quote(&value));
            prop_assert_eq!(read(&text), vec![("A".to_owned(), value)]);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _any = read(&text);
        }
    }
}
