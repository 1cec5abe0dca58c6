//! Small files: read within limits, and written as a whole.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

/// Reads a regular file of at most `most` bytes. Anything else at the path, such as a FIFO, a device or a folder, is
/// refused without waiting for it.
///
/// # Errors
///
/// If it cannot be read, is something else or is longer.
pub fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let refused = || io::Error::other("it must be a regular file");
    // Asked before it is opened, because opening a device can have an effect.
    if !std::fs::metadata(path)?.is_file() {
        return Err(refused());
    }
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(refused());
    }
    let mut bytes = Vec::new();
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(io::Error::other(format!("it must have at most {most} bytes")));
    }
    Ok(bytes)
}

/// Writes a file atomically: after a crash it is either the old or the new one.
///
/// # Errors
///
/// If it cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let mut file = File::create(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&part, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn a_regular_file_is_read_up_to_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_whole(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert!(read(&path, 4).is_err());
        std::os::unix::fs::symlink(&path, folder.path().join("link")).unwrap();
        assert_eq!(read(&folder.path().join("link"), 5).unwrap(), b"12345");
        write_whole(&path, b"").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert!(read(&path, 1000).is_err());
    }

    #[test]
    fn anything_else_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (fifo, socket) = (folder.path().join("fifo"), folder.path().join("socket"));
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let _listener = UnixListener::bind(&socket).unwrap();
        for path in [folder.path(), &fifo, &socket, Path::new("/dev/zero"), Path::new("/dev/null")] {
            assert_eq!(read(path, 1000).unwrap_err().to_string(), "it must be a regular file", "{path:?}");
        }
        assert_eq!(read(&folder.path().join("none"), 1).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
