//! Listening sockets: made with care, and cleared away.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream};
use std::path::{Path, PathBuf};

use runtime::listen::Address;
use tokio::net::{TcpListener, UnixListener};

/// Whoever is in the socket's group may connect: nginx.
const SOCKET_MODE: u32 = 0o660;
/// Anybody who may write a folder may put another socket in place of ours.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// A socket that takes connections. A Unix socket's file goes with it.
pub struct Listener {
    socket: Socket,
    address: Address,
    _file: Option<SocketFile>,
}

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A connection on its way to the worker that will serve it.
pub enum Stream {
    /// Over TCP.
    Tcp(std::net::TcpStream),
    /// Over a Unix socket.
    Unix(StdUnixStream),
}

impl Stream {
    /// Whether the other end is on this machine.
    pub fn is_near(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.peer_addr().is_ok_and(|peer| peer.ip().to_canonical().is_loopback()),
            Self::Unix(_) => true,
        }
    }
}

/// The file of a Unix socket, told from another of the same name by its number.
struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The folder of the socket is not there.
    #[error("{0} does not exist: make it, owned by this user, with mode 0750 and nginx's group")]
    NoFolder(String),
    /// Somebody else could put a socket of theirs there.
    #[error(
        "{0} can be written by others than this user: own it, and take the write permission from group and others"
    )]
    UnsafeFolder(String),
    /// nginx, which may enter the folder by its group, could not connect.
    #[error(
        "{socket} cannot be given the group of its folder ({group}): put this user into that group, or give the folder this user's group"
    )]
    ForeignGroup {
        /// The socket.
        socket: String,
        /// The folder's group, by its number.
        group: u32,
    },
    /// Something else is there.
    #[error("{0} exists and is not a socket: remove it")]
    NotASocket(String),
    /// A process answers there.
    #[error("another process listens on {0}: stop it first")]
    InUse(String),
    /// All else.
    #[error("cannot listen on {address}: {error}")]
    Io {
        /// Where.
        address: String,
        /// Why.
        error: io::Error,
    },
}

impl Listener {
    /// Listens on `address`. Must be called within a runtime.
    ///
    /// # Errors
    ///
    /// With a sentence that says what to do.
    pub async fn bind(address: &Address) -> Result<Self, ListenError> {
        let failed = |error| ListenError::Io { address: address.to_string(), error };
        match address {
            Address::Tcp(wanted) => {
                let socket = TcpListener::bind(wanted).await.map_err(failed)?;
                let address = Address::Tcp(socket.local_addr().map_err(failed)?);
                Ok(Self { socket: Socket::Tcp(socket), address, _file: None })
            }
            Address::Unix(path) => {
                let group = check_folder(path)?;
                clear_stale(path)?;
                let (socket, file) = bind_unix(path).map_err(failed)?;
                open_to_group(path, group)?;
                Ok(Self { socket: Socket::Unix(socket), address: address.clone(), _file: Some(file) })
            }
        }
    }

    /// Where it listens; the port is the real one.
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// Takes the next connection.
    ///
    /// # Errors
    ///
    /// Those of the one connection, and of a process that has too many files open.
    pub async fn accept(&self) -> io::Result<Stream> {
        match &self.socket {
            Socket::Tcp(socket) => {
                let (stream, _) = socket.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream.into_std()?))
            }
            Socket::Unix(socket) => Ok(Stream::Unix(socket.accept().await?.0.into_std()?)),
        }
    }
}

impl Drop for SocketFile {
    /// Removes the file, unless another process has put its own in the place.
    fn drop(&mut self) {
        let ours = std::fs::symlink_metadata(&self.path)
            .is_ok_and(|file| file.dev() == self.device && file.ino() == self.inode);
        if ours {
            // Whoever starts next clears it away too.
            let _removed = std::fs::remove_file(&self.path);
        }
    }
}

fn bind_unix(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let socket = StdUnixListener::bind(path)?;
    let file = std::fs::symlink_metadata(path)?;
    let file = SocketFile { path: path.to_owned(), device: file.dev(), inode: file.ino() };
    socket.set_nonblocking(true)?;
    Ok((UnixListener::from_std(socket)?, file))
}

/// Lets the folder's group connect. A new socket has the group of this process, whatever the folder's is.
fn open_to_group(path: &Path, group: u32) -> Result<(), ListenError> {
    let failed = |error| ListenError::Io { address: path.display().to_string(), error };
    if std::fs::symlink_metadata(path).map_err(failed)?.gid() != group {
        chown(path, None, Some(group)).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => {
                ListenError::ForeignGroup { socket: path.display().to_string(), group }
            }
            _ => failed(error),
        })?;
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE)).map_err(failed)
}

/// The folder's group.
fn check_folder(path: &Path) -> Result<u32, ListenError> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let shown = || folder.display().to_string();
    let about = std::fs::metadata(folder).map_err(|_| ListenError::NoFolder(shown()))?;
    let ours = about.uid() == rustix::process::geteuid().as_raw();
    if !about.is_dir() || !ours || about.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(ListenError::UnsafeFolder(shown()));
    }
    Ok(about.gid())
}

/// Removes the socket that a killed process left: one that nobody answers.
fn clear_stale(path: &Path) -> Result<(), ListenError> {
    let shown = || path.display().to_string();
    let Ok(about) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if !about.file_type().is_socket() {
        return Err(ListenError::NotASocket(shown()));
    }
    match StdUnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(|error| ListenError::Io { address: shown(), error })
        }
        _ => Err(ListenError::InUse(shown())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(mode: u32) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        folder
    }

    async fn bind(folder: &tempfile::TempDir) -> Result<Listener, ListenError> {
        Listener::bind(&Address::Unix(folder.path().join("auth.sock"))).await
    }

    #[tokio::test]
    async fn the_socket_is_for_owner_and_group_and_goes_with_the_listener() {
        let folder = folder(0o750);
        let listener = bind(&folder).await.unwrap();
        let about = std::fs::metadata(folder.path().join("auth.sock")).unwrap();
        assert_eq!(about.mode() & 0o777, 0o660);
        drop(listener);
        assert!(!folder.path().join("auth.sock").exists());
    }

    #[tokio::test]
    async fn the_socket_has_the_group_of_its_folder() {
        let folder = folder(0o750);
        // Any group that this process may give away: all for root, else the last of its own.
        let ours = rustix::process::getegid().as_raw();
        let own = rustix::process::getgroups().unwrap().last().map_or(ours, |group| group.as_raw());
        let group = if rustix::process::geteuid().is_root() { ours + 33 } else { own };
        chown(folder.path(), None, Some(group)).unwrap();
        let _listener = bind(&folder).await.unwrap();
        let about = std::fs::metadata(folder.path().join("auth.sock")).unwrap();
        assert_eq!((about.gid(), about.mode() & 0o777), (group, 0o660));
    }

    #[tokio::test]
    async fn a_folder_that_others_can_write_is_refused() {
        for mode in [0o770, 0o707, 0o777] {
            assert!(matches!(bind(&folder(mode)).await, Err(ListenError::UnsafeFolder(_))), "{mode:o}");
        }
        let nowhere = Address::Unix("/nowhere-at-all/auth.sock".into());
        assert!(matches!(Listener::bind(&nowhere).await, Err(ListenError::NoFolder(_))));
    }

    #[tokio::test]
    async fn a_dead_process_socket_is_replaced_and_a_living_one_is_not() {
        let folder = folder(0o700);
        drop(StdUnixListener::bind(folder.path().join("auth.sock")).unwrap());
        let living = bind(&folder).await.unwrap();
        assert!(matches!(bind(&folder).await, Err(ListenError::InUse(_))));
        drop(living);
    }

    #[tokio::test]
    async fn a_file_in_the_place_is_left_alone() {
        let folder = folder(0o700);
        std::fs::write(folder.path().join("auth.sock"), "precious").unwrap();
        assert!(matches!(bind(&folder).await, Err(ListenError::NotASocket(_))));
        assert!(folder.path().join("auth.sock").exists());
    }

    #[tokio::test]
    async fn another_process_socket_of_the_same_name_is_not_removed() {
        let folder = folder(0o700);
        let path = folder.path().join("auth.sock");
        let listener = bind(&folder).await.unwrap();
        std::fs::remove_file(&path).unwrap();
        let _other = StdUnixListener::bind(&path).unwrap();
        drop(listener);
        assert!(path.exists());
    }
}
