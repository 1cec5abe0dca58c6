//! Where a server keeps its files: a folder that ends with it, or one that stays.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::Doing as _;
use crate::{Account, Error};

/// A folder that only the servers' user can enter.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    account: Option<Account>,
    /// Held for its end, which removes the folder; none for a folder that stays.
    _temporary: Option<TempDir>,
}

impl Folder {
    /// A new folder, removed when this value ends.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn temporary() -> Result<Self, Error> {
        let temporary = tempfile::Builder::new()
            .prefix("usher-")
            .tempdir()
            .doing(|| "a temporary folder cannot be made".to_owned())?;
        Self::at(temporary.path().to_owned(), Some(temporary))
    }

    /// The folder at `path`, made when missing, which stays.
    ///
    /// # Errors
    ///
    /// When it cannot be made or given to the servers' user.
    pub fn kept(path: &Path) -> Result<Self, Error> {
        fs::create_dir_all(path).doing(|| format!("{} cannot be made", path.display()))?;
        Self::at(path.to_owned(), None)
    }

    fn at(path: PathBuf, temporary: Option<TempDir>) -> Result<Self, Error> {
        let folder = Self { path, account: Account::for_servers()?, _temporary: temporary };
        folder.give(&folder.path, 0o700)?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whom its files belong to; `None` means the user of this process.
    pub fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// A path inside.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A folder inside, made when missing, which stays as long as this one.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn inside(&self, name: &str) -> Result<Self, Error> {
        Self::kept(&self.join(name))
    }

    /// Writes a file that only the servers' user can read.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf, Error> {
        let path = self.join(name);
        fs::write(&path, "").doing(|| format!("{} cannot be made", path.display()))?;
        self.give(&path, 0o600)?;
        fs::write(&path, text).doing(|| format!("{} cannot be written", path.display()))?;
        Ok(path)
    }

    /// Copies a file, or a folder with all that is in it.
    ///
    /// # Errors
    ///
    /// When something cannot be read or written.
    pub fn copy(&self, from: &Path, name: &str) -> Result<PathBuf, Error> {
        let to = self.join(name);
        self.copy_tree(from, &to)?;
        Ok(to)
    }

    fn copy_tree(&self, from: &Path, to: &Path) -> Result<(), Error> {
        let doing = || format!("{} cannot be copied to {}", from.display(), to.display());
        if from.is_dir() {
            fs::create_dir_all(to).doing(doing)?;
            for entry in fs::read_dir(from).doing(doing)? {
                let entry = entry.doing(doing)?;
                self.copy_tree(&entry.path(), &to.join(entry.file_name()))?;
            }
        } else {
            // A program that runs cannot be written over, but its name can be given to another file.
            let _absent = fs::remove_file(to);
            fs::copy(from, to).doing(doing)?;
        }
        self.give(to, 0o700)
    }

    fn give(&self, path: &Path, mode: u32) -> Result<(), Error> {
        let doing = || format!("{} cannot be given to the servers' user", path.display());
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).doing(doing)?;
        match &self.account {
            Some(account) => chown(path, Some(account.uid), Some(account.gid)).doing(doing),
            None => Ok(()),
        }
    }
}
