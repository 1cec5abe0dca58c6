//! The last lines of a program that ends. Standard error may be a pipe that is full and is not read: then a thread that
//! writes would wait for ever, and with it the end of the program.

use std::io::Write as _;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long the end of a program may wait for its last lines.
const LIMIT: Duration = Duration::from_millis(1200);

/// Does something that may block, for a second at most; returns whether it was finished. The thread that does it ends with the
/// process.
pub(crate) fn in_time(what: impl FnOnce() + Send + 'static) -> bool {
    let (done, is_done) = mpsc::channel();
    let doing = thread::Builder::new().name("last lines".to_owned()).spawn(move || {
        what();
        // The program has gone on if it took too long.
        let _late = done.send(());
    });
    doing.is_ok() && is_done.recv_timeout(LIMIT).is_ok()
}

/// Prints a line for a person, unless standard error blocks.
pub fn print(line: String) {
    in_time(move || {
        // Nothing can be done without a standard error.
        let _lost = writeln!(std::io::stderr(), "{line}");
    });
}

/// Writes a short line to standard error if that takes it at once, also while another thread blocks in a line of its own.
pub(crate) fn write_at_once(line: &str) {
    let errors = std::io::stderr();
    let mut ready = [PollFd::new(&errors, PollFlags::OUT)];
    // A pipe that is ready takes 4096 bytes (PIPE_BUF) without blocking.
    if poll(&mut ready, Some(&Timespec::default())).is_ok_and(|ready| ready > 0) {
        let _lost = rustix::io::write(&errors, format!("{line}\n").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn what_blocks_is_left_behind() {
        let gate = Arc::new(Mutex::new(()));
        let closed = gate.lock().unwrap();
        let waiting = Arc::clone(&gate);
        assert!(!in_time(move || drop(waiting.lock())));
        drop(closed);
        assert!(in_time(|| {}));
    }
}
