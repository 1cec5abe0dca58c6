//! The file of a Unix socket: created safely, and removed.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// The owner and the group may connect. nginx is in the group.
const SOCKET_MODE: u32 = 0o660;
/// A user who can write the folder could replace the socket with another.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// A socket's file, which is removed on drop. Its inode distinguishes it from another file with the same name.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

/// Why a socket file cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum UnixSocketError {
    /// The folder of the socket does not exist.
    #[error("{0} does not exist; create it, owned by this user, with mode 0750 and nginx's group")]
    NoFolder(String),
    /// Another user could put a socket there.
    #[error("{0} must be owned by this user, and must not be writable by its group or by others")]
    UnsafeFolder(String),
    /// nginx, which may enter the folder through its group, could not connect.
    #[error(
        "cannot give {socket} the group of its folder ({group}); add this user to that group, or change the folder's \
         group to this user's"
    )]
    ForeignGroup {
        /// The socket.
        socket: String,
        /// The folder's group, by its number.
        group: u32,
    },
    /// Another file is there.
    #[error("{0} exists and is not a socket; remove it")]
    NotASocket(String),
    /// A process answers there.
    #[error("another process listens on {0}; stop it first")]
    InUse(String),
    /// The system refused.
    #[error("cannot listen on unix:{path}: {cause}")]
    Io {
        /// The path of the socket.
        path: String,
        /// The error of the system.
        cause: io::Error,
    },
}

/// Creates the socket, non-blocking.
///
/// # Errors
///
/// With a sentence that says what to do.
pub(super) fn bind(path: &Path) -> Result<(UnixListener, SocketFile), UnixSocketError> {
    let group = check_folder(path)?;
    remove_stale(path)?;
    let (socket, file) = create(path).map_err(|cause| failed(path, cause))?;
    give_to_group(path, group)?;
    Ok((socket, file))
}

impl SocketFile {
    fn new(path: &Path, about: &Metadata) -> Self {
        Self { path: path.to_owned(), device: about.dev(), inode: about.ino() }
    }
}

impl Drop for SocketFile {
    /// Removes the file, unless another process has replaced it with its own.
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|file| file.dev() == self.device && file.ino() == self.inode);
        if ours {
            // If it fails, the next start removes the file.
            let _removed = fs::remove_file(&self.path);
        }
    }
}

fn create(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let socket = UnixListener::bind(path)?;
    let file = SocketFile::new(path, &fs::symlink_metadata(path)?);
    socket.set_nonblocking(true)?;
    Ok((socket, file))
}

/// Lets the folder's group connect. A new socket has the group of this process, not that of the folder.
fn give_to_group(path: &Path, group: u32) -> Result<(), UnixSocketError> {
    if fs::symlink_metadata(path).map_err(|cause| failed(path, cause))?.gid() != group {
        chown(path, None, Some(group)).map_err(|cause| match cause.kind() {
            io::ErrorKind::PermissionDenied => UnixSocketError::ForeignGroup { socket: shown(path), group },
            _ => failed(path, cause),
        })?;
    }
    fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE)).map_err(|cause| failed(path, cause))
}

/// The folder's group, if only this user can write the folder.
fn check_folder(path: &Path) -> Result<u32, UnixSocketError> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let about = fs::metadata(folder).map_err(|_| UnixSocketError::NoFolder(shown(folder)))?;
    let ours = about.uid() == rustix::process::geteuid().as_raw();
    if !about.is_dir() || !ours || about.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(UnixSocketError::UnsafeFolder(shown(folder)));
    }
    Ok(about.gid())
}

/// Removes the socket of a killed process: one on which nothing listens. A process that is merely too busy to accept
/// still listens, and so keeps its socket.
fn remove_stale(path: &Path) -> Result<(), UnixSocketError> {
    let Ok(about) = fs::symlink_metadata(path) else { return Ok(()) };
    if !about.file_type().is_socket() {
        return Err(UnixSocketError::NotASocket(shown(path)));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|cause| failed(path, cause))
        }
        _ => Err(UnixSocketError::InUse(shown(path))),
    }
}

fn failed(path: &Path, cause: io::Error) -> UnixSocketError {
    UnixSocketError::Io { path: shown(path), cause }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(mode: u32) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        folder
    }

    fn bind_in(folder: &tempfile::TempDir) -> Result<(UnixListener, SocketFile), UnixSocketError> {
        bind(&folder.path().join("auth.sock"))
    }

    #[test]
    fn the_socket_is_for_owner_and_group_and_goes_with_the_listener() {
        let folder = folder(0o750);
        let listener = bind_in(&folder).unwrap();
        let about = std::fs::metadata(folder.path().join("auth.sock")).unwrap();
        assert_eq!(about.mode() & 0o777, 0o660);
        drop(listener);
        assert!(!folder.path().join("auth.sock").exists());
    }

    #[test]
    fn the_socket_has_the_group_of_its_folder() {
        let folder = folder(0o750);
        // A group that this process may assign: any for root, else one of its own.
        let ours = rustix::process::getegid().as_raw();
        let own = rustix::process::getgroups().unwrap().last().map_or(ours, |group| group.as_raw());
        let group = if rustix::process::geteuid().is_root() { ours + 33 } else { own };
        chown(folder.path(), None, Some(group)).unwrap();
        let _listener = bind_in(&folder).unwrap();
        let about = std::fs::metadata(folder.path().join("auth.sock")).unwrap();
        assert_eq!((about.gid(), about.mode() & 0o777), (group, 0o660));
    }

    #[test]
    fn a_folder_that_others_can_write_is_refused() {
        for mode in [0o770, 0o707, 0o777] {
            assert!(matches!(bind_in(&folder(mode)), Err(UnixSocketError::UnsafeFolder(_))), "{mode:o}");
        }
        let nowhere = bind(Path::new("/nowhere-at-all/auth.sock"));
        assert!(matches!(nowhere, Err(UnixSocketError::NoFolder(_))));
    }

    #[test]
    fn a_dead_process_socket_is_replaced_and_a_living_one_is_not() {
        let folder = folder(0o700);
        drop(UnixListener::bind(folder.path().join("auth.sock")).unwrap());
        let living = bind_in(&folder).unwrap();
        assert!(matches!(bind_in(&folder), Err(UnixSocketError::InUse(_))));
        drop(living);
    }

    #[test]
    fn another_file_at_the_path_is_not_replaced() {
        let folder = folder(0o700);
        std::fs::write(folder.path().join("auth.sock"), "precious").unwrap();
        assert!(matches!(bind_in(&folder), Err(UnixSocketError::NotASocket(_))));
        assert_eq!(std::fs::read_to_string(folder.path().join("auth.sock")).unwrap(), "precious");
    }

    #[test]
    fn another_process_socket_of_the_same_name_is_not_removed() {
        let folder = folder(0o700);
        let path = folder.path().join("auth.sock");
        let listener = bind_in(&folder).unwrap();
        std::fs::remove_file(&path).unwrap();
        let _other = UnixListener::bind(&path).unwrap();
        drop(listener);
        assert!(path.exists());
    }
}
