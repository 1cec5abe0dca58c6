//! Runs a command to its end, and then ends the processes that it left running.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use harness::error::Doing as _;
use harness::procfs::{self, Identity};
use harness::{Error, wait};
use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpid};
use rustix::process::{set_child_subreaper, set_parent_process_death_signal};
use tokio::process::{Child, Command};

use crate::up::interrupted;

/// How long a process that outlives the command may take to end by itself.
const GRACE: Duration = Duration::from_secs(2);

/// The same after a signal: a test runner gives its tests ten seconds.
const PATIENCE: Duration = Duration::from_secs(12);

/// How long killed processes may take to end.
const KILL: Duration = Duration::from_secs(10);

/// Runs the command with `values` in its environment; `ours` are other children of this process.
///
/// The command leads a process group, to which signals are passed on. It also ends when the parent of this
/// process ends, because a script that is killed does not notify its children.
pub(super) async fn run(
    command: &[String],
    values: &[(&str, String)],
    ours: &[Option<Identity>],
) -> Result<ExitCode, Error> {
    let Some((program, args)) = command.split_first() else { return Ok(ExitCode::SUCCESS) };
    // From now on orphans of the command become children of this process, where it can find them.
    set_child_subreaper(Pid::from_raw(1)).doing(|| "orphans cannot be adopted".to_owned())?;
    let mut command = Command::new(program);
    command.args(args).envs(values.iter().map(|(name, value)| (*name, value)));
    // Not the terminal, because only the foreground group may read it.
    let command = command.stdin(Stdio::null()).process_group(0);
    let mut child = command.spawn().doing(|| format!("{program} cannot be executed"))?;
    let (status, told) = wait_for(&mut child).await?;
    let clean = end_orphans(ours, if told { PATIENCE } else { GRACE }).await?;
    Ok(if clean { code(status) } else { ExitCode::FAILURE })
}

/// Makes this process end when its parent ends, as on SIGTERM.
pub(super) fn end_with_parent() -> Result<(), Error> {
    let set = set_parent_process_death_signal(Some(Signal::TERM));
    set.doing(|| "the parent's end cannot be awaited".to_owned())
}

/// How the command ended, and whether it was asked to by a signal.
async fn wait_for(child: &mut Child) -> Result<(ExitStatus, bool), Error> {
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let mut signals = Box::pin(interrupted()?);
    let mut told = false;
    loop {
        tokio::select! {
            status = child.wait() => {
                return Ok((status.doing(|| "the command cannot be waited for".to_owned())?, told));
            }
            signal = &mut signals => {
                signals = Box::pin(interrupted()?);
                told = true;
                // A group that has ended needs no signal.
                let _gone = group.map(|group| kill_process_group(group, signal));
            }
        }
    }
}

/// Waits for all children except `ours` to end, kills the ones that stay, and returns whether there were none.
async fn end_orphans(ours: &[Option<Identity>], patience: Duration) -> Result<bool, Error> {
    let left = || -> Vec<_> {
        let all = procfs::children(std::process::id()).into_iter();
        all.filter(|child| !ours.contains(&Some(*child))).collect()
    };
    // A process that is just ending does not count.
    let clean = wait::until("the end of orphans", patience, async || left().is_empty()).await.is_ok();
    for process in left() {
        let name = procfs::name(process.pid);
        eprintln!("The command left {name} (process {}) running; ending it.", process.pid);
    }
    // Repeated, because the children of a killed process become children of this one only after that.
    let gone = async || {
        left().iter().for_each(|process| process.signal(Signal::KILL));
        left().is_empty()
    };
    wait::until("the end of orphans", KILL, gone).await?;
    reap();
    Ok(clean)
}

/// Reaps adopted processes that have ended.
fn reap() {
    for ended in procfs::ended_children(std::process::id()) {
        if let Some(pid) = i32::try_from(ended).ok().and_then(Pid::from_raw) {
            // A process that is no longer a child needs no record.
            let _noted = waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
}

/// The exit code of an ended command, as shells define it.
fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
