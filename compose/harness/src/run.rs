//! A command that is run to its end, within a time limit.

use std::io::Read;
use std::process::{Child, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::error::Doing as _;
use crate::process::{feed, pause};
use crate::{Error, Launch, procfs};

/// How long it may take. Generous, as for the start of a server.
const LIMIT: Duration = Duration::from_secs(60);

impl Launch {
    /// Runs it to its end with `input` on its standard input, and returns its output.
    ///
    /// # Errors
    ///
    /// If it cannot be executed, takes longer than a minute, or ends with an exit code other than 0.
    pub fn run(&self, input: &str) -> Result<String, Error> {
        self.run_within(LIMIT, input)
    }

    fn run_within(&self, limit: Duration, input: &str) -> Result<String, Error> {
        let doing = || format!("{} cannot be run", self.program.display());
        let mut command = self.command();
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().doing(doing)?;
        feed(&mut child, input);
        let (output, errors) = (drain(child.stdout.take()), drain(child.stderr.take()));
        let status = end_within(limit, &mut child).doing(doing)?;
        let text = |drained: JoinHandle<Vec<u8>>| {
            String::from_utf8_lossy(&drained.join().unwrap_or_default()).into_owned()
        };
        let name = self.name.clone();
        match status {
            Some(status) if status.success() => Ok(text(output)),
            Some(status) => Err(Error::Ended { name, status: status.to_string(), log: text(errors) }),
            None => Err(Error::TooLong { what: name, limit, log: text(errors) }),
        }
    }
}

/// Waits until the child ends; after the limit, kills it with all processes that it started.
fn end_within(limit: Duration, child: &mut Child) -> std::io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    while begun.elapsed() < limit {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        pause();
    }
    for descendant in procfs::descendants(child.id()) {
        descendant.signal(Signal::KILL);
    }
    child.kill()?;
    child.wait().map(|_| None)
}

/// Reads the whole output of a child on a thread, while the caller waits for the child to end.
fn drain(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // After a read error, the output is what was read so far.
        let _broken = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        bytes
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Folder;

    fn shell(line: &str) -> (Folder, Launch) {
        let folder = Folder::temporary().unwrap();
        let launch = Launch::new("sh", "/bin/sh".into(), &folder).args(["-c", line]);
        (folder, launch)
    }

    #[test]
    fn a_command_gets_input_returns_output_and_an_error_contains_its_messages() {
        let (_folder, launch) = shell("read word; echo got $word");
        assert_eq!(launch.run("it\n").unwrap(), "got it\n");
        let (_folder, launch) = shell("echo why >&2; exit 3");
        assert!(launch.run("").unwrap_err().to_string().contains("why"));
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_its_children_and_an_error() {
        let (_folder, launch) = shell("echo stuck >&2; sleep 1234 & wait");
        let error = launch.run_within(Duration::from_millis(300), "").unwrap_err().to_string();
        assert!(error.contains("longer than 300ms") && error.contains("stuck"), "{error}");
    }
}
