//! Where a server keeps its files: a folder that ends with it, or one that stays.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, fchown, lchown};
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
        folder.own(&folder.path)?;
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
        self.put(&path, 0o600, text.as_bytes())?;
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
        let doing = || format!("{} cannot be read", from.display());
        if !from.is_dir() {
            return self.put(to, 0o700, File::open(from).doing(doing)?);
        }
        fs::create_dir_all(to).doing(|| format!("{} cannot be made", to.display()))?;
        self.own(to)?;
        for entry in fs::read_dir(from).doing(doing)? {
            let entry = entry.doing(doing)?;
            self.copy_tree(&entry.path(), &to.join(entry.file_name()))?;
        }
        Ok(())
    }

    /// Makes a new file in place of whatever is there. Root does not write through a link that the servers'
    /// user may have put there, and a program that runs is not written over.
    fn put(&self, path: &Path, mode: u32, mut content: impl io::Read) -> Result<(), Error> {
        let doing = || format!("{} cannot be written", path.display());
        let _absent = fs::remove_file(path);
        let mut file = File::options().write(true).create_new(true).mode(mode).open(path).doing(doing)?;
        io::copy(&mut content, &mut file).doing(doing)?;
        match &self.account {
            Some(account) => fchown(&file, Some(account.uid), Some(account.gid)).doing(doing),
            None => Ok(()),
        }
    }

    fn own(&self, folder: &Path) -> Result<(), Error> {
        let doing = || format!("{} cannot be given to the servers' user", folder.display());
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).doing(doing)?;
        match &self.account {
            Some(account) => lchown(folder, Some(account.uid), Some(account.gid)).doing(doing),
            None => Ok(()),
        }
    }
}
