//! A process that is started, waited for, killed and started again.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::process::Signal;

use crate::error::Doing as _;
use crate::procfs::{self, Identity};
use crate::wait::Pauses;
use crate::{Account, Error};

/// How long a server may take until it answers. Generous: machines that run tests are busy.
pub const START: Duration = Duration::from_secs(30);

/// How long a server may take to stop before it is killed.
pub const STOP: Duration = Duration::from_secs(15);

/// How a process is started. Its `Debug` omits the environment and the input, which hold secrets.
#[derive(Clone)]
pub struct Launch {
    /// The name for messages and for the log file.
    pub name: String,
    /// The executable.
    pub program: PathBuf,
    /// Its arguments; never a secret.
    pub args: Vec<OsString>,
    /// Its whole environment, apart from `PATH`.
    pub env: Vec<(String, String)>,
    /// Its standard input at the start; may hold a secret.
    pub input: String,
    /// The file to which its standard output and standard error are appended.
    pub log: PathBuf,
    /// The user that it runs as; `None` means the user of this process.
    pub account: Option<Account>,
    /// The signal that asks it to finish its work and end.
    pub stop: Signal,
    /// The signal that ends it at once, with its children.
    pub end: Signal,
    /// The file in which the launcher records the processes that it started, one line each, so that the next
    /// run can end those that a killed run left. A recorded process leads a process group: Ctrl-C does not
    /// reach it, because the launcher ends it, and it is ended with all its children.
    pub ledger: Option<PathBuf>,
}

/// A child process. Dropping it ends it.
#[derive(Debug)]
pub struct Process {
    launch: Launch,
    child: Option<Child>,
    // Of the child. Kept, because it is still the id of the group after the child has ended.
    leader: Option<Identity>,
}

impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch").field("name", &self.name).field("args", &self.args).finish_non_exhaustive()
    }
}

impl Launch {
    /// A program that ends on SIGTERM and may be killed.
    pub fn new(name: &str, program: PathBuf, folder: &crate::Folder) -> Self {
        Self {
            name: name.to_owned(),
            program,
            args: Vec::new(),
            env: Vec::new(),
            input: String::new(),
            log: folder.join(&format!("{name}.log")),
            account: folder.account().cloned(),
            stop: Signal::TERM,
            end: Signal::KILL,
            ledger: None,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds variables; a later one of the same name wins.
    #[must_use]
    pub fn env<N: Into<String>, V: Into<String>>(mut self, vars: impl IntoIterator<Item = (N, V)>) -> Self {
        self.env.extend(vars.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Replaces the signals.
    #[must_use]
    pub fn signals(mut self, stop: Signal, end: Signal) -> Self {
        self.stop = stop;
        self.end = end;
        self
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// When the program cannot be executed.
    pub fn start(self) -> Result<Process, Error> {
        let mut process = Process { launch: self, child: None, leader: None };
        process.start_again()?;
        Ok(process)
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().envs(self.env.iter().cloned()).current_dir("/");
        if let Some(path) = crate::environment::variable("PATH") {
            command.env("PATH", path);
        }
        if let Some(account) = &self.account {
            command.uid(account.uid).gid(account.gid);
        }
        if self.ledger.is_some() {
            command.process_group(0);
        }
        command
    }
}

impl Process {
    /// Starts it if it is not running.
    ///
    /// # Errors
    ///
    /// When the program cannot be executed.
    pub fn start_again(&mut self) -> Result<(), Error> {
        if self.is_running() {
            return Ok(());
        }
        let launch = &self.launch;
        // The folder belongs to the servers' user: root must not write through a link in it.
        let no_link = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let log = File::options().create(true).append(true).custom_flags(no_link).open(&launch.log);
        let log = log.doing(|| format!("{} cannot be written", launch.log.display()))?;
        let errors = log.try_clone().doing(|| "a file cannot be shared".to_owned())?;
        let mut command = launch.command();
        let input = if launch.input.is_empty() { Stdio::null() } else { Stdio::piped() };
        let child = command.stdin(input).stdout(log).stderr(errors).spawn();
        let mut child = child.doing(|| format!("{} cannot be executed", launch.program.display()))?;
        feed(&mut child, &launch.input);
        self.leader = Identity::of(child.id());
        self.child = Some(child);
        match (&self.launch.ledger, self.leader) {
            (Some(ledger), Some(identity)) => identity.record(ledger),
            _ => Ok(()),
        }
    }

    /// Waits until `condition` is true.
    ///
    /// # Errors
    ///
    /// If the process ends before, or [`START`] passes.
    pub async fn ready(&mut self, condition: impl AsyncFn() -> bool) -> Result<(), Error> {
        let (begun, mut pauses) = (Instant::now(), Pauses::default());
        loop {
            if let Some(status) = self.ended()? {
                return Err(Error::Ended {
                    name: self.launch.name.clone(),
                    status: status.to_string(),
                    log: self.log_end(),
                });
            }
            // A server that accepts a connection but does not answer is not ready either.
            let left = START.saturating_sub(begun.elapsed());
            if tokio::time::timeout(left, condition()).await.unwrap_or(false) {
                return Ok(());
            }
            if begun.elapsed() > START {
                let what = format!("the start of {}", self.launch.name);
                return Err(Error::TooLong { what, limit: START, log: self.log_end() });
            }
            pauses.pause().await;
        }
    }

    /// How it was started.
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    /// Its process id and start time, while it runs.
    pub fn identity(&self) -> Option<Identity> {
        Identity::of(self.child.as_ref()?.id())
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.identity().is_some()
    }

    /// Sends a signal, if it runs.
    pub fn signal(&self, signal: Signal) {
        if let Some(identity) = self.identity() {
            identity.signal(signal);
        }
    }

    /// Stops it in the middle of its work, without its notice, until [`Self::thaw`].
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it continue.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// `kill -9`, for it and all its children; waits until they have ended.
    ///
    /// # Errors
    ///
    /// If they do not end.
    pub fn kill(&mut self) -> Result<(), Error> {
        let mut all = self.group();
        if let Some(identity) = self.identity() {
            all.extend(procfs::descendants(identity.pid));
            all.push(identity);
        }
        for process in &all {
            process.signal(Signal::KILL);
        }
        self.reap(|| all.iter().all(|process| !process.is_running()))
    }

    /// Asks it to stop and waits; after [`STOP`] it is killed, and so are the other processes of its group.
    ///
    /// # Errors
    ///
    /// If even killing does not end it.
    pub async fn stop(&mut self) -> Result<(), Error> {
        self.signal(self.launch.stop);
        // A frozen process receives no signal but SIGKILL.
        self.thaw();
        let (begun, mut pauses) = (Instant::now(), Pauses::default());
        while self.is_running() && begun.elapsed() < STOP {
            pauses.pause().await;
        }
        self.kill()
    }

    /// The last lines of its output.
    pub fn log_end(&self) -> String {
        const LINES: usize = 20;
        let text = fs::read(&self.launch.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let skip = text.lines().count().saturating_sub(LINES);
        text.lines().skip(skip).collect::<Vec<_>>().join("\n")
    }

    /// Its whole output.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.launch.log).unwrap_or_default()).into_owned()
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>, Error> {
        match &mut self.child {
            Some(child) => child.try_wait().doing(|| "a child's state cannot be read".to_owned()),
            None => Ok(None),
        }
    }

    /// The running processes of the group that it leads or led: an nginx that was killed leaves its workers.
    fn group(&self) -> Vec<Identity> {
        match self.leader {
            Some(leader) if self.launch.ledger.is_some() => leader.group(),
            _ => Vec::new(),
        }
    }

    fn reap(&mut self, gone: impl Fn() -> bool) -> Result<(), Error> {
        let begun = Instant::now();
        while (self.child.is_some() && self.ended()?.is_none()) || !gone() {
            if begun.elapsed() > STOP {
                let what = format!("the end of {}", self.launch.name);
                return Err(Error::TooLong { what, limit: STOP, log: String::new() });
            }
            pause();
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(self.launch.end);
        self.thaw();
        let _in_time = self.reap(|| true);
        let _nothing_left_to_try = self.kill();
    }
}

/// Writes a child's input and closes it.
pub(crate) fn feed(child: &mut Child, input: &str) {
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input reports the reason by its exit code.
        let _closed = stdin.write_all(input.as_bytes());
    }
}

#[expect(clippy::disallowed_methods, reason = "neither a destructor, `kill` nor `run` can await")]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(2));
}
