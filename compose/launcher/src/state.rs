//! The data that stays between runs of the launcher, and the processes that a killed run left.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use harness::error::Doing as _;
use harness::folder::absent;
use harness::procfs::{self, Identity};
use harness::{Error, Folder, wait};
use rustix::fs::{FlockOperation, flock};
use rustix::process::Signal;

/// How long such processes may take to stop before they are killed.
const PATIENCE: Duration = Duration::from_secs(10);

/// A folder that one launcher at a time has locked.
pub(super) struct State {
    path: PathBuf,
    // Held for its lock, which the kernel releases when this process ends for any reason.
    _lock: File,
}

impl State {
    /// Locks the folder, creates it if it is missing, and stops the processes that a killed run left.
    pub(super) async fn open(path: &Path) -> Result<Self, Error> {
        let doing = || format!("{} cannot be made", path.display());
        fs::create_dir_all(path).doing(doing)?;
        // It still belongs to this user; the servers' user may only enter the folders inside.
        fs::set_permissions(path, fs::Permissions::from_mode(0o711)).doing(doing)?;
        let lock_path = path.join("lock");
        let lock = File::create(&lock_path).doing(|| format!("{} cannot be made", lock_path.display()))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(Error::Other(
                "Usher is already running with this folder; stop it with Ctrl-C first".to_owned(),
            ));
        }
        let state = Self { path: path.to_owned(), _lock: lock };
        state.end_leftovers().await?;
        Ok(state)
    }

    /// A folder inside, for one server.
    pub(super) fn folder(&self, name: &str) -> Result<Folder, Error> {
        Folder::kept(&self.join(name))
    }

    /// The same folder, emptied.
    pub(super) fn empty_folder(&self, name: &str) -> Result<Folder, Error> {
        absent(&self.join(name))?;
        self.folder(name)
    }

    /// A new folder for sockets, whose paths must be short. The folder of a killed run is removed.
    pub(super) fn sockets(&self) -> Result<Folder, Error> {
        self.forget_sockets()?;
        let note = self.join("sockets");
        let folder = Folder::temporary()?;
        let path = folder.around().to_string_lossy().into_owned();
        fs::write(&note, path).doing(|| format!("{} cannot be written", note.display()))?;
        Ok(folder)
    }

    /// Removes the socket folder of an earlier run.
    pub(super) fn forget_sockets(&self) -> Result<(), Error> {
        match fs::read_to_string(self.join("sockets")) {
            Ok(old) if !old.is_empty() => absent(Path::new(&old)),
            _ => Ok(()),
        }
    }

    /// A path inside.
    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The file in which started processes are recorded.
    pub(super) fn ledger(&self) -> Option<PathBuf> {
        Some(self.join("ledger"))
    }

    async fn end_leftovers(&self) -> Result<(), Error> {
        let ledger = self.join("ledger");
        let leftovers = Identity::recorded(&fs::read_to_string(&ledger).unwrap_or_default());
        if !leftovers.is_empty() {
            eprintln!("Stopping {} processes that a killed run left behind.", leftovers.len());
            end(&leftovers).await?;
        }
        let _absent = fs::remove_file(&ledger);
        Ok(())
    }
}

/// Asks processes to stop, and kills those that do not.
async fn end(leftovers: &[Identity]) -> Result<(), Error> {
    let mut all = leftovers.to_vec();
    for leftover in leftovers {
        all.extend(procfs::descendants(leftover.pid));
        // PostgreSQL takes this signal as "without waiting for clients"; all others as SIGTERM.
        leftover.signal(Signal::INT);
        // A stopped process must continue before it can end.
        leftover.signal(Signal::CONT);
    }
    let gone = async || all.iter().all(|process| !process.is_running());
    if wait::until("the end of leftovers", PATIENCE, gone).await.is_ok() {
        return Ok(());
    }
    for process in &all {
        process.signal(Signal::KILL);
    }
    wait::until("the end of leftovers", PATIENCE, gone).await
}
