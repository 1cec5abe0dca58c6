//! The real program, as an operator runs it.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use super::Vars;

/// A command before it runs.
pub struct Command {
    command: tokio::process::Command,
    input: String,
}

/// The result.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: i32,
    /// What it wrote to standard output.
    pub out: String,
    /// What it wrote to standard error.
    pub err: String,
}

impl Command {
    /// `admin` with these arguments, and with only these variables.
    pub fn new(vars: &Vars, args: &[&str]) -> Self {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_admin"));
        command.args(args).env_clear().envs(vars).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { command, input: String::new() }
    }

    /// With text on standard input.
    #[must_use]
    pub fn input(mut self, input: &str) -> Self {
        self.input = input.to_owned();
        self
    }

    /// Runs it until it is ready, then asks it to stop.
    pub async fn run_until_told(mut self) -> Ended {
        let mut child = self.command.spawn().expect("the program starts");
        let pid = child.id().expect("it runs").try_into().expect("it is a pid");
        let mut err = String::new();
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        while let Some(line) = lines.next_line().await.expect("it writes UTF-8") {
            if line.contains("\"Ready.\"") {
                let pid = rustix::process::Pid::from_raw(pid).expect("it is not 0");
                rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it is ours");
            }
            err.push_str(&line);
            err.push('\n');
        }
        let status = child.wait().await.expect("it ends");
        Ended { code: status.code().expect("it exits"), out: String::new(), err }
    }

    /// Runs it to its end.
    pub async fn run(mut self) -> Ended {
        let mut child = self.command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        // A program may end without reading its input.
        let _closed = stdin.write_all(self.input.as_bytes()).await;
        drop(stdin);
        let output = child.wait_with_output().await.expect("it ends");
        let text = |bytes| String::from_utf8(bytes).expect("it writes UTF-8");
        Ended {
            code: output.status.code().expect("it exits"),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

impl Ended {
    /// Asserts success and returns the output.
    #[track_caller]
    pub fn succeeded(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }
}
