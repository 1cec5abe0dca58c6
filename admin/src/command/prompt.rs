//! Reads a password, without echo from a terminal, or from standard input; never from an argument.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use zeroize::Zeroizing;

/// No usable password was entered.
#[derive(Debug, thiserror::Error)]
pub(super) enum PromptError {
    #[error("the two passwords differ; run the command again")]
    Differ,
    #[error("no password was entered; type one, or pass it on standard input")]
    Empty,
    #[error("cannot read the password: {0}")]
    Io(#[from] io::Error),
}

/// Prompts twice on a terminal; otherwise reads the first line.
pub(super) fn new_password() -> Result<SecretString, PromptError> {
    if !io::stdin().is_terminal() {
        return line();
    }
    let first = ask("Password: ")?;
    let second = ask("Repeat password: ")?;
    if secrecy::ExposeSecret::expose_secret(&first) == secrecy::ExposeSecret::expose_secret(&second) {
        Ok(first)
    } else {
        Err(PromptError::Differ)
    }
}

/// Reads the first line of standard input.
pub(super) fn password_from_stdin() -> Result<SecretString, PromptError> {
    line()
}

fn ask(question: &str) -> Result<SecretString, PromptError> {
    let mut terminal = io::stderr();
    write!(terminal, "{question}")?;
    terminal.flush()?;
    let unseen = Unseen::begin()?;
    let answer = line();
    drop(unseen);
    writeln!(terminal)?;
    answer
}

fn line() -> Result<SecretString, PromptError> {
    let mut text = Zeroizing::new(String::new());
    io::stdin().lock().read_line(&mut text)?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(PromptError::Empty),
        password => Ok(password.into()),
    }
}

/// While it exists, the terminal does not echo.
struct Unseen(Termios);

impl Unseen {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        let _terminal_gone = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}
