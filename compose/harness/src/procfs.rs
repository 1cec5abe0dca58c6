//! Processes, read from `/proc`.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use crate::Error;
use crate::error::Doing as _;

/// A process, with its start time, so that a later one with the same id is not mistaken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The process id.
    pub pid: u32,
    /// When it was started, in the kernel's ticks since boot.
    pub started: u64,
}

/// The content of `/proc/<pid>/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: char,
    parent: u32,
    group: u32,
    started: u64,
}

impl Identity {
    /// The process with this id, if it runs.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = stat(pid)?;
        (!matches!(stat.state, 'Z' | 'X')).then_some(Self { pid, started: stat.started })
    }

    /// Whether it still runs.
    pub fn is_running(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Appends it to a ledger, as the leader of a process group.
    ///
    /// # Errors
    ///
    /// If the ledger cannot be written.
    pub fn record(self, ledger: &Path) -> Result<(), Error> {
        let doing = || format!("{} cannot be written", ledger.display());
        let mut file = fs::File::options().create(true).append(true).open(ledger).doing(doing)?;
        writeln!(file, "{} {} {}", self.pid, self.started, boot()).doing(doing)
    }

    /// The running processes of the groups whose leaders are in a ledger, the leaders first.
    ///
    /// Entries from before the machine's last start are ignored.
    pub fn recorded(ledger: &str) -> Vec<Self> {
        let boot = boot();
        let leaders = ledger.lines().filter_map(|line| {
            let (identity, then) = line.rsplit_once(' ')?;
            let (pid, started) = identity.split_once(' ').filter(|_| then == boot)?;
            Some(Self { pid: pid.parse().ok()?, started: started.parse().ok()? })
        });
        leaders.flat_map(Self::group).collect()
    }

    /// The running processes of the group that it leads or led, itself first.
    pub fn group(self) -> Vec<Self> {
        // The kernel does not reuse the id of a group that still has a process.
        if Self::of(self.pid).is_some_and(|now| now != self) {
            return Vec::new();
        }
        let members = all().filter(|(_, stat)| stat.group == self.pid && stat.started >= self.started);
        let mut members: Vec<_> = members.filter_map(|(pid, _)| Self::of(pid)).collect();
        members.sort_by_key(|member| *member != self);
        members
    }

    /// Sends it a signal, if it still runs. A process that has ended needs none.
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

/// The ids of ended processes that `parent` has not reaped yet.
pub fn ended_children(parent: u32) -> Vec<u32> {
    born_of(parent).filter(|(_, stat)| stat.state == 'Z').map(|(pid, _)| pid).collect()
}

fn born_of(parent: u32) -> impl Iterator<Item = (u32, Stat)> {
    all().filter(move |(_, stat)| stat.parent == parent)
}

fn all() -> impl Iterator<Item = (u32, Stat)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| Some((pid, stat(pid)?)))
}

/// An identifier of the time since the machine was started.
fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim_end().to_owned()
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

/// The name of the program that a process runs, for messages.
pub fn name(pid: u32) -> String {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim_end().to_owned()
}

fn stat(pid: u32) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads `pid (name) state parent group ... started ...`; the name may contain anything, also `)`.
fn parse(line: &str) -> Option<Stat> {
    let (_, fields) = line.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let started = fields.nth(16)?.parse().ok()?;
    Some(Stat { state, parent, group, started })
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::process::CommandExt as _;
    use std::process::{Child, Command, Stdio};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_is_skipped() {
        let line = "42 (a) b) S 7 43 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 3";
        assert_eq!(parse(line), Some(Stat { state: 'S', parent: 7, group: 43, started: 987_654 }));
    }

    #[test]
    fn this_process_runs_and_another_start_time_is_another_process() {
        let me = Identity::of(std::process::id()).unwrap();
        assert!(me.is_running());
        assert!(!Identity { started: me.started + 1, ..me }.is_running());
    }

    /// A process that leads its own group and has a child in it.
    fn leader() -> (Child, Identity) {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 1234 & echo; wait"]).stdout(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let identity = Identity::of(child.id()).unwrap();
        (child, identity)
    }

    #[test]
    fn a_ledger_returns_the_running_processes_of_a_group_even_without_its_leader() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("ledger");
        let (mut child, leader) = leader();
        leader.record(&ledger).unwrap();
        let text = fs::read_to_string(&ledger).unwrap();
        let recorded = Identity::recorded(&text);
        assert_eq!((recorded.len(), recorded[0]), (2, leader));

        leader.signal(Signal::KILL);
        child.wait().unwrap();
        assert_eq!(Identity::recorded(&text), recorded[1..]);
        recorded[1].signal(Signal::KILL);
    }

    #[test]
    fn a_ledger_of_another_process_or_another_boot_returns_nothing() {
        let me = Identity::of(std::process::id()).unwrap();
        let (pid, started) = (me.pid, me.started);
        assert_eq!(Identity::recorded(&format!("{pid} {} {}\n", started + 1, boot())), []);
        assert_eq!(Identity::recorded(&format!("{pid} {started} another\n")), []);
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
