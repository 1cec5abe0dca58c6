//! The real nginx, and a client without a token that tries everything.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use harness::{Folder, Launch, ports, programs};

use crate::grammar::{Generated, Grammar, Modules, OTHER_HOST, Ports, SOCKET};
use crate::programs::{Seen, origin, origin_at_socket, other, settle, sidecar};
use crate::random::Random;

/// A configuration, and the ways to the origin that were open in it.
pub(crate) struct Observed {
    pub(crate) text: String,
    pub(crate) open: BTreeSet<usize>,
}

/// The modules that this nginx has without loading them.
pub(crate) fn modules() -> Modules {
    let nginx = programs::installed("nginx", "nginx").unwrap();
    let told = Command::new(nginx).arg("-V").output().unwrap();
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    let has = |option: &str| told.split_whitespace().any(|word| word == option);
    Modules { stream: has("--with-stream"), addition: has("--with-http_addition_module") }
}

/// Runs the configurations of a seed.
pub(crate) async fn observe(seed: u64, count: usize) -> Vec<Observed> {
    let seen = Seen::default();
    let [first, second, third] =
        [ports::Reserved::new(), ports::Reserved::new(), ports::Reserved::new()].map(Result::unwrap);
    let ports = Ports {
        origin: origin(&seen),
        other: other(),
        sidecar: sidecar(),
        listen: [first.number(), second.number(), third.number()],
    };
    drop((first, second, third));
    let mut random = Random::new(seed);
    let modules = modules();
    let folder = Folder::temporary().unwrap();
    origin_at_socket(&seen, &folder.path().join("origin.sock"));
    let mut all = Vec::new();
    for turn in 0..count {
        let generated = Grammar::new(&mut random, ports, modules).generate(turn);
        all.push(run(&folder, ports, &seen, generated).await);
    }
    all
}

async fn run(folder: &Folder, ports: Ports, seen: &Seen, generated: Generated) -> Observed {
    seen.lock().unwrap().clear();
    let place = folder.path().display();
    let shown = generated.text.replace(SOCKET, &format!("{place}/origin.sock"));
    let mut text = shown.clone();
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        text =
            text.replacen("access_log off;", &format!("access_log off; {kind}_temp_path {place}/{kind};"), 1);
    }
    let file = folder.write("nginx.conf", &text).unwrap();
    let nginx = Launch::new("nginx", programs::installed("nginx", "nginx").unwrap(), folder)
        .args(["-e", "stderr", "-c", file.to_str().unwrap()])
        .args(["-p", folder.path().to_str().unwrap()])
        .args(["-g", &format!("daemon off; master_process off; pid {place}/nginx.pid;")]);
    let mut process = nginx.start().unwrap();
    let port = ports.listen[0];
    if let Err(error) = process.ready(async || TcpStream::connect(("127.0.0.1", port)).is_ok()).await {
        panic!("{error}\n{}\n{text}", process.log_end());
    }
    try_everything(ports, &generated);
    process.stop().await.unwrap();
    settle(&folder.path().join("origin.sock"));
    let open = seen.lock().unwrap().clone();
    Observed { text: shown, open }
}

/// Requests without a token, of each kind that a part of the grammar distinguishes.
fn try_everything(ports: Ports, generated: &Generated) {
    for port in &ports.listen[..2] {
        for path in &generated.paths {
            for (method, path, header) in [
                ("GET", path.clone(), String::new()),
                ("GET", format!("{path}x?a=1"), "X-Flag: 1\r\n".to_owned()),
                ("POST", path.clone(), String::new()),
                ("GET", path.clone(), generated.headers.clone()),
                ("TRACE", path.clone(), String::new()),
                ("GET", path.clone(), "If-Match: \"x\"\r\n".to_owned()),
                ("GET", path.clone(), format!("Host: {OTHER_HOST}\r\n")),
            ] {
                request(*port, method, &path, &header);
            }
        }
        for path in &generated.inner {
            request(*port, "GET", &path.replace('@', "/"), "");
        }
    }
    for path in &generated.paths {
        for lead in &generated.inner {
            request(ports.listen[0], "GET", path, &format!("X-Accel-To: {lead}\r\n"));
        }
        for lead in generated.inner.iter().filter(|lead| lead.starts_with('/')).chain(generated.paths.first())
        {
            let included = format!("X-Text: <!--# include virtual=\"{lead}\" -->\r\n");
            request(ports.listen[0], "GET", path, &format!("X-Ssi-To: {lead}\r\n{included}"));
        }
    }
    request(ports.listen[2], "GET", "/", "");
}

/// Sends a request, and waits for the end of its response, with which nginx has sent all that it sends on.
fn request(port: u16, method: &str, path: &str, headers: &str) {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return };
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let body = if method == "POST" { "b".repeat(2000) } else { String::new() };
    let host = if headers.starts_with("Host: ") { "" } else { "Host: a\r\n" };
    let mut text = format!("{method} {path} HTTP/1.1\r\n{host}Connection: close\r\n{headers}");
    let _ = write!(text, "Content-Length: {}\r\n\r\n{body}", body.len());
    let _sent = stream.write_all(text.as_bytes());
    let _read = stream.read_to_end(&mut Vec::new());
}
