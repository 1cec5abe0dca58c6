//! Rotel, a real OTLP receiver, and the spans that it has received.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use harness::wait::until;
use harness::{Folder, ports};

use crate::support::LIMIT;

/// Rotel: receives traces by OTLP over gRPC and writes every span to its output.
pub(crate) struct Receiver {
    process: Child,
    pub(crate) port: u16,
    folder: Folder,
}

/// The place where `./compose/local test` installs it.
fn program() -> PathBuf {
    let tools = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/lib");
    let versions = fs::read_dir(tools).into_iter().flatten().flatten();
    let mut programs = versions.map(|version| version.path().join("site-packages/rotel/rotel-agent"));
    programs.find(|program| program.exists()).unwrap_or_else(|| {
        panic!("rotel-agent is missing in target/tools: ./compose/local test installs it; see .ci/tools.txt")
    })
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let folder = Folder::temporary().unwrap();
        let (port, http) = (ports::free().unwrap(), ports::free().unwrap());
        let output = File::create(folder.join("output")).unwrap();
        let errors = output.try_clone().unwrap();
        let mut command = Command::new(program());
        command.args(["start", "--exporter", "blackhole", "--debug-log", "traces"]);
        command.args(["--debug-log-verbosity", "detailed"]);
        command.args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{port}")]);
        command.args(["--otlp-http-endpoint", &format!("127.0.0.1:{http}")]);
        command.arg("--pid-file").arg(folder.join("pid")).arg("--log-file").arg(folder.join("log"));
        let process = command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn().unwrap();
        let receiver = Self { process, port, folder };
        let listens = async || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        until("the receiver", LIMIT, listens)
            .await
            .unwrap_or_else(|why| panic!("{why}: {}", receiver.text()));
        receiver
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Everything that was received.
    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.folder.join("output")).unwrap_or_default()
    }

    /// The names of the spans that have arrived in a trace.
    pub(crate) fn spans(&self, trace: &str) -> Vec<String> {
        let text = self.text();
        let spans = text.split("Span #").skip(1).filter(|span| span.contains(trace));
        let name = |span: &str| {
            let line = span.lines().find(|line| line.trim_start().starts_with("Name"));
            line.and_then(|line| line.split_once(':')).map(|(_, name)| name.trim().to_owned())
        };
        spans.filter_map(name).collect()
    }

    /// For each span of this name in a trace: the names from it up to the root span.
    pub(crate) fn chains(&self, trace: &str, first: &str) -> Vec<Vec<String>> {
        let text = self.text();
        let spans: Vec<_> = text.split("Span #").skip(1).filter(|span| span.contains(trace)).collect();
        let field = |span: &str, name: &str| {
            let of = |line: &str| {
                line.trim_start()
                    .strip_prefix(name)?
                    .trim_start()
                    .strip_prefix(':')
                    .map(str::trim)
                    .map(str::to_owned)
            };
            span.lines().find_map(of).unwrap_or_default()
        };
        let up = |lowest: &&str| {
            let (mut chain, mut at) = (Vec::new(), Some(*lowest));
            while let Some(span) = at {
                chain.push(field(span, "Name"));
                let parent = field(span, "Parent ID");
                at = spans.iter().copied().find(|other| field(other, "ID") == parent);
            }
            chain
        };
        spans.iter().filter(|span| field(span, "Name") == first).map(up).collect()
    }

    /// Waits until a span of this name has arrived in the trace.
    pub(crate) async fn has(&self, trace: &str, name: &str) {
        let there = async || self.spans(trace).iter().any(|span| span == name);
        until(name, LIMIT, there)
            .await
            .unwrap_or_else(|why| panic!("{why}: {:?}\n{}", self.spans(trace), self.text()));
    }

    /// Stops at once, without closing connections properly.
    pub(crate) fn kill(&mut self) {
        let _gone = self.process.kill();
        let _ended = self.process.wait();
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.kill();
    }
}
