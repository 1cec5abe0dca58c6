//! The paths of the programs: those of the distribution, and our own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::environment::variable;
use crate::error::Doing as _;
use crate::{Error, Folder};

/// The oldest PostgreSQL version whose SQL we use.
const OLDEST_POSTGRES: u32 = 15;

/// A program of the distribution, from `PATH` or from a system folder that is not in every user's `PATH`.
///
/// # Errors
///
/// When it is not installed.
pub fn installed(program: &str, package: &'static str) -> Result<PathBuf, Error> {
    let path = variable("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let mut found = places.map(|place| place.join(program)).filter(|file| file.is_file());
    found.next().ok_or(Error::NotInstalled { program: program.to_owned(), package })
}

/// A program of the PostgreSQL server, from the newest installed version.
///
/// # Errors
///
/// When none is installed.
pub fn postgres(program: &str) -> Result<PathBuf, Error> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let versions = debian.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let newest = versions.filter(|version| *version >= OLDEST_POSTGRES).max();
    let file = newest.map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin/{program}")));
    match file.filter(|file| file.is_file()) {
        Some(file) => Ok(file),
        None => installed(program, "postgresql"),
    }
}

/// One of our own programs: in the folder of this one or, for a test, in its parent.
///
/// # Errors
///
/// When it is not built.
pub fn ours(program: &str) -> Result<PathBuf, Error> {
    let this = std::env::current_exe().doing(|| "the path of this program is unknown".to_owned())?;
    let beside = this.parent().unwrap_or(Path::new("/"));
    let up = if beside.ends_with("deps") { beside.parent().unwrap_or(beside) } else { beside };
    let file = up.join(program);
    if file.is_file() { Ok(file) } else { Err(Error::NotBuilt(file)) }
}

/// `program` where the servers' user can execute it: its own path, or else a copy beside `folder`.
///
/// # Errors
///
/// When it cannot be copied.
pub fn reachable(program: PathBuf, folder: &Folder) -> Result<PathBuf, Error> {
    let all_users_may = |path: &Path, bits| {
        path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & bits == bits)
    };
    let open = program.ancestors().skip(1).all(|above| all_users_may(above, 0o001))
        && all_users_may(&program, 0o005);
    match (folder.account(), program.file_name().and_then(|name| name.to_str())) {
        (Some(_), Some(name)) if !open => folder.copy_program(&program, name),
        _ => Ok(program),
    }
}
