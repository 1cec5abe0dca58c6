//! The folder of a server's files: temporary or permanent.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown, lchown};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::Doing as _;
use crate::{Account, Error};

/// A folder that only the servers' user can enter.
///
/// The parent folder belongs to the user of this process, who can therefore trust the files in it, such as
/// programs.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    programs: PathBuf,
    account: Option<Account>,
    /// Held so that the folder is removed at the end; `None` for a permanent folder.
    _temporary: Option<TempDir>,
}

impl Folder {
    /// A new folder, removed when this value ends.
    ///
    /// # Errors
    ///
    /// If it cannot be created.
    pub fn temporary() -> Result<Self, Error> {
        let temporary = tempfile::Builder::new()
            .prefix("usher-")
            .tempdir()
            .doing(|| "a temporary folder cannot be made".to_owned())?;
        let around = temporary.path();
        open_to(around, 0o711)?;
        Self::at(around.join("files"), around.join("bin"), Some(temporary))
    }

    /// The permanent folder at `path`, created if it is missing. Its parent exists, and belongs to the user of
    /// this process.
    ///
    /// # Errors
    ///
    /// If it cannot be created or given to the servers' user.
    pub fn kept(path: &Path) -> Result<Self, Error> {
        Self::at(path.to_owned(), path.with_file_name("bin"), None)
    }

    fn at(path: PathBuf, programs: PathBuf, temporary: Option<TempDir>) -> Result<Self, Error> {
        let folder = Self { path, programs, account: Account::for_servers()?, _temporary: temporary };
        folder.make(&folder.path)?;
        Ok(folder)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The parent folder.
    pub fn around(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// The owner of its files; `None` means the user of this process.
    pub fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// A path inside.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A folder inside, created if it is missing, which exists as long as this one.
    ///
    /// # Errors
    ///
    /// If it cannot be created.
    pub fn inside(&self, name: &str) -> Result<Self, Error> {
        Self::at(self.join(name), self.programs.clone(), None)
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

    /// Copies a file, or a folder with its content, and replaces whatever has that name.
    ///
    /// # Errors
    ///
    /// When something cannot be read or written.
    pub fn copy(&self, from: &Path, name: &str) -> Result<PathBuf, Error> {
        let to = self.join(name);
        absent(&to)?;
        self.copy_tree(from, &to)?;
        Ok(to)
    }

    /// Copies a program to a place where the servers' user can execute it, but cannot replace it.
    ///
    /// # Errors
    ///
    /// When it cannot be read or written.
    pub fn copy_program(&self, program: &Path, name: &str) -> Result<PathBuf, Error> {
        let doing = || format!("{} cannot be copied", program.display());
        fs::create_dir_all(&self.programs).doing(doing)?;
        open_to(&self.programs, 0o755)?;
        let to = self.programs.join(name);
        // A running program cannot be overwritten.
        absent(&to)?;
        fs::copy(program, &to).doing(doing)?;
        open_to(&to, 0o755)?;
        Ok(to)
    }

    fn copy_tree(&self, from: &Path, to: &Path) -> Result<(), Error> {
        let doing = || format!("{} cannot be read", from.display());
        if !from.is_dir() {
            return self.put(to, 0o700, File::open(from).doing(doing)?);
        }
        self.make(to)?;
        for entry in fs::read_dir(from).doing(doing)? {
            let entry = entry.doing(doing)?;
            self.copy_tree(&entry.path(), &to.join(entry.file_name()))?;
        }
        Ok(())
    }

    /// Creates a new file and replaces whatever exists there. Root must not write through a link that the
    /// servers' user may have created.
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

    /// Creates a folder, unless it exists. Something that the servers' user may have created in its place, such
    /// as a link to a folder of the system, does not count.
    fn make(&self, folder: &Path) -> Result<(), Error> {
        if !fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_dir()) {
            absent(folder)?;
            let made = fs::DirBuilder::new().mode(0o700).create(folder);
            made.doing(|| format!("{} cannot be made", folder.display()))?;
        }
        match &self.account {
            Some(account) => lchown(folder, Some(account.uid), Some(account.gid))
                .doing(|| format!("{} cannot be given to the servers' user", folder.display())),
            None => Ok(()),
        }
    }
}

/// Removes a file, a link or a folder, if it exists. The target of a link stays.
///
/// # Errors
///
/// When it cannot be removed.
pub fn absent(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == ErrorKind::NotADirectory => fs::remove_file(path),
        other => other,
    }
    .or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
    .doing(|| format!("{} cannot be removed", path.display()))
}

/// Sets the mode of something that belongs to the user of this process, independently of the umask.
fn open_to(path: &Path, mode: u32) -> Result<(), Error> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .doing(|| format!("{} cannot be opened to the servers' user", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, symlink};

    use super::*;

    /// A folder of the servers, and an unrelated one.
    fn folder_and_other() -> (Folder, TempDir) {
        let other = tempfile::tempdir().unwrap();
        fs::write(other.path().join("kept"), "kept").unwrap();
        (Folder::temporary().unwrap(), other)
    }

    fn is_untouched(other: &TempDir) -> bool {
        let only = fs::read_dir(other.path()).unwrap().count() == 1;
        only && fs::metadata(other.path()).unwrap().uid() == rustix::process::geteuid().as_raw()
    }

    #[test]
    fn a_link_in_place_of_a_folder_is_replaced_and_not_followed() {
        let (folder, other) = folder_and_other();
        for name in ["conf", "logs"] {
            symlink(other.path(), folder.join(name)).unwrap();
        }
        let from = tempfile::tempdir().unwrap();
        fs::write(from.path().join("a.conf"), "").unwrap();
        folder.copy(from.path(), "conf").unwrap();
        folder.inside("logs").unwrap();
        assert!(is_untouched(&other));
        assert!(folder.join("conf/a.conf").is_file());
        assert!(fs::symlink_metadata(folder.join("logs")).unwrap().is_dir());
    }

    #[test]
    fn a_copied_folder_has_nothing_of_the_one_before() {
        let folder = Folder::temporary().unwrap();
        let from = tempfile::tempdir().unwrap();
        fs::write(from.path().join("old.conf"), "").unwrap();
        folder.copy(from.path(), "conf").unwrap();
        fs::rename(from.path().join("old.conf"), from.path().join("new.conf")).unwrap();
        folder.copy(from.path(), "conf").unwrap();
        assert!(folder.join("conf/new.conf").is_file());
        assert!(!folder.join("conf/old.conf").exists());
    }

    #[test]
    fn the_copy_of_a_program_belongs_to_the_user_who_made_it() {
        let folder = Folder::temporary().unwrap();
        let copy = folder.copy_program(Path::new("/bin/true"), "true").unwrap();
        let metadata = copy.metadata().unwrap();
        assert_eq!(metadata.uid(), rustix::process::geteuid().as_raw());
        assert_eq!(metadata.mode() & 0o777, 0o755);
        assert!(!copy.starts_with(folder.path()));
    }
}
