//! The limit of open files: each connection takes one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit to as many as the system allows: the soft limit is low for programs that use `select`.
pub fn raise_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%error, "Cannot raise the limit of open files; raise it where this program is started (ulimit -n).");
    }
}

/// How many connections a listener may keep open: `most`, or fewer where the limit of open files leaves no more beside
/// `others`, which are reserved: stores, health checks, files.
pub fn room(most: usize, others: usize) -> usize {
    let limit = getrlimit(Resource::Nofile)
        .current
        .map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let room = limit.saturating_sub(others).clamp(LEAST, most);
    if room < most {
        tracing::warn!(
            limit,
            connections = room,
            "The limit of open files is low, so fewer connections than usual are kept; raise it (ulimit -n)."
        );
    }
    room
}

/// nginx needs a few, whatever the limit is.
const LEAST: usize = 16;
