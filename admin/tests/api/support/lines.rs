//! All log lines, at every level, for tests of what they must not contain.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

/// All log lines.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Lines {
    /// Starts to capture the log of this process. Only one test of a process can.
    pub fn keep() -> Self {
        let lines = Self::default();
        let everything =
            tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(lines.clone());
        tracing::subscriber::set_global_default(everything.finish()).expect("no other collector is set");
        lines
    }

    /// The lines so far.
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no test panicked").clone()).expect("it is UTF-8")
    }
}
