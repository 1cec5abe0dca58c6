//! Processes as the kernel tells of them in `/proc`.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use crate::Error;
use crate::error::Doing as _;

/// A process that cannot be mistaken for a later one with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Its number.
    pub pid: u32,
    /// When it was started, in the kernel's ticks since boot.
    pub started: u64,
}

/// What `/proc/<pid>/stat` says.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: char,
    parent: u32,
    started: u64,
}

impl Identity {
    /// The process that has this number now, if it runs.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = stat(pid)?;
        (!matches!(stat.state, 'Z' | 'X')).then_some(Self { pid, started: stat.started })
    }

    /// Whether it still runs.
    pub fn is_running(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Appends it to a ledger.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub fn record(self, ledger: &Path) -> Result<(), Error> {
        let doing = || format!("{} cannot be written", ledger.display());
        let mut file = fs::File::options().create(true).append(true).open(ledger).doing(doing)?;
        writeln!(file, "{} {}", self.pid, self.started).doing(doing)
    }

    /// Those of a ledger's text that still run.
    pub fn recorded(ledger: &str) -> Vec<Self> {
        let lines = ledger.lines().filter_map(|line| line.split_once(' '));
        let all = lines.filter_map(|(pid, started)| {
            Some(Self { pid: pid.parse().ok()?, started: started.parse().ok()? })
        });
        all.filter(|identity| identity.is_running()).collect()
    }

    /// Sends it a signal, if it still runs. One that ended meanwhile needs none.
    pub fn signal(self, signal: Signal) {
        if let Some(pid) =
            self.is_running().then(|| i32::try_from(self.pid).ok()).flatten().and_then(Pid::from_raw)
        {
            let _ended = kill_process(pid, signal);
        }
    }
}

/// The running processes whose parent is `parent`.
pub fn children(parent: u32) -> Vec<Identity> {
    born_of(parent).filter_map(|(pid, _)| Identity::of(pid)).collect()
}

/// The numbers of ended processes that `parent` has not taken note of yet.
pub fn ended_children(parent: u32) -> Vec<u32> {
    born_of(parent).filter(|(_, stat)| stat.state == 'Z').map(|(pid, _)| pid).collect()
}

fn born_of(parent: u32) -> impl Iterator<Item = (u32, Stat)> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| Some((pid, stat(pid)?))).filter(move |(_, stat)| stat.parent == parent)
}

/// The running children of `parent`, their children, and so on.
pub fn descendants(parent: u32) -> Vec<Identity> {
    let mut found = children(parent);
    let mut seen = 0;
    while let Some(next) = found.get(seen) {
        let more = children(next.pid);
        found.extend(more);
        seen += 1;
    }
    found
}

/// The name of the program that a process runs, for a person.
pub fn name(pid: u32) -> String {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim_end().to_owned()
}

fn stat(pid: u32) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads `pid (name) state parent ... started ...`; the name may hold anything, `)` included.
fn parse(line: &str) -> Option<Stat> {
    let (_, fields) = line.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let started = fields.nth(17)?.parse().ok()?;
    Some(Stat { state, parent, started })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_is_skipped() {
        let line = "42 (a) b) S 7 42 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 3";
        assert_eq!(parse(line), Some(Stat { state: 'S', parent: 7, started: 987_654 }));
    }

    #[test]
    fn this_process_runs_and_nobody_else_is_it() {
        let me = Identity::of(std::process::id()).unwrap();
        assert!(me.is_running());
        assert!(!Identity { started: me.started + 1, ..me }.is_running());
    }

    #[test]
    fn a_ledger_gives_back_only_what_still_runs() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("ledger");
        let me = Identity::of(std::process::id()).unwrap();
        me.record(&ledger).unwrap();
        Identity { started: me.started + 1, ..me }.record(&ledger).unwrap();
        assert_eq!(Identity::recorded(&fs::read_to_string(&ledger).unwrap()), [me]);
    }

    proptest! {
        #[test]
        fn any_ledger_is_read_without_a_panic(text: String) {
            let _any = Identity::recorded(&text);
        }

        #[test]
        fn any_line_is_read_without_a_panic(line: String) {
            let _any = parse(&line);
        }
    }
}
