//! `./compose/local up` as a user sees it, started with the launcher.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use harness::http::get;
use harness::procfs::{self, Identity};
use harness::wait::until;
use harness::{ports, programs};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The time for everything to start, on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// The folder that one launcher after another uses.
struct Place {
    folder: TempDir,
    state: &'static str,
    port: u16,
}

/// A launcher that is ended even if the test fails.
struct Up(Child);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // If root starts the servers, they run as another user, who needs access to the state folder.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let place = Self { folder, state: "state", port: ports::free().unwrap() };
        let launcher = programs::ours("launcher").unwrap();
        let script = format!(
            "#!/bin/sh\ncommand=$1\nshift\ncase $command in\n\
             admin) set -a; . '{env_file}'; exec \"$ADMIN_PROGRAM\" \"$@\" ;;\n\
             try) set -- --launcher \"$0\" ;;\nesac\n\
             exec '{program}' \"$command\" --env-file '{env_file}' \"$@\"\n",
            program = launcher.display(),
            env_file = place.env_file().display()
        );
        fs::write(place.launcher(), script).unwrap();
        fs::set_permissions(place.launcher(), fs::Permissions::from_mode(0o755)).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn env_file(&self) -> PathBuf {
        self.path("local.env")
    }

    /// A name that a shell would read as two words.
    fn launcher(&self) -> PathBuf {
        self.path("it's local")
    }

    fn start(&self) -> Up {
        self.start_with(&["--any-ports"])
    }

    fn start_with(&self, options: &[&str]) -> Up {
        let output = File::create(self.path("output")).unwrap();
        let errors = output.try_clone().unwrap();
        let mut command = Command::new(programs::ours("launcher").unwrap());
        command.arg("up").arg("--state").arg(self.path(self.state)).arg("--env-file").arg(self.env_file());
        command.arg("--launcher").arg(self.launcher()).args(["--port", &self.port.to_string()]);
        command.args(options);
        Up(command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn().unwrap())
    }

    async fn up(&self) -> Up {
        let up = self.start();
        self.greets().await;
        up
    }

    async fn greets(&self) {
        let greeted = async || self.output().contains("Press Ctrl-C to stop everything");
        until("everything to start", LIMIT, greeted)
            .await
            .unwrap_or_else(|why| panic!("{why}: {}", self.output()));
    }

    fn output(&self) -> String {
        fs::read_to_string(self.path("output")).unwrap_or_default()
    }

    /// The printed commands.
    fn commands(&self) -> Vec<String> {
        let output = self.output();
        output.lines().filter_map(|line| line.strip_prefix("  ")).map(str::to_owned).collect()
    }

    fn secrets(&self) -> String {
        fs::read_to_string(self.path("state/secrets")).unwrap()
    }
}

impl Up {
    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn servers(&self) -> Vec<Identity> {
        procfs::descendants(self.pid())
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    async fn ends(&mut self) {
        let pid = self.pid();
        until("the launcher's end", LIMIT, async || Identity::of(pid).is_none()).await.unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        if self.0.try_wait().ok().flatten().is_none() {
            self.signal(Signal::TERM);
            let _ended = self.0.wait();
        }
    }
}

/// The output of a command that is pasted into a shell in another folder.
fn paste(command: &str) -> String {
    paste_into("sh", command)
}

fn paste_into(shell: &str, command: &str) -> String {
    let output = Command::new(shell).args(["-c", command]).current_dir("/").output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A value from the file of addresses and secrets.
fn value(env_file: &str, name: &str) -> String {
    let line = env_file.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    line.unwrap().trim_matches('\'').to_owned()
}

/// The arguments of processes, which every user can see.
fn arguments(servers: &[Identity]) -> String {
    let files = servers.iter().map(|server| format!("/proc/{}/cmdline", server.pid));
    files.map(|file| fs::read_to_string(file).unwrap_or_default()).collect()
}

async fn are_gone(servers: &[Identity]) {
    let gone = async || servers.iter().all(|server| !server.is_running());
    until("the servers' end", LIMIT, gone).await.unwrap();
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_five_printed_commands_work_as_printed() {
    let place = Place::new();
    let _up = place.up().await;
    let commands = place.commands();
    let printed: Vec<_> = commands.iter().map(|command| paste(command)).collect();
    let expected = ["status 401", "HTTP/1.1 401", "\"X-User-Id\"", "active", "\"subscriber\""];
    assert_eq!(printed.len(), expected.len(), "{}", place.output());
    for ((command, printed), expected) in commands.iter().zip(&printed).zip(expected) {
        assert!(printed.contains(expected), "{command}\n{printed}");
    }
}

#[tokio::test]
async fn servers_behind_the_gateway_use_the_usual_ports_if_they_are_free() {
    let place = Place::new();
    let usual = [("ADMIN_URL", 8001), ("ADMIN_OPS_URL", 9001), ("INTROSPECT_OPS_URL", 9002)];
    let free = usual.map(|(_, port)| ports::is_free(port));
    let _up = place.start_with(&[]);
    place.greets().await;
    let env_file = fs::read_to_string(place.env_file()).unwrap();
    for ((name, port), was_free) in usual.into_iter().zip(free) {
        let is_usual = value(&env_file, name) == format!("http://127.0.0.1:{port}");
        assert_eq!(is_usual, was_free, "{name}");
    }
}

#[tokio::test]
async fn the_tour_shows_that_a_token_ends_with_its_session() {
    let place = Place::new();
    let _up = place.up().await;
    let shown = paste(&place.commands()[0]);
    let statuses: Vec<_> = shown.lines().filter_map(|line| line.rsplit_once("status ")).collect();
    let statuses: Vec<_> = statuses.iter().map(|(_, status)| *status).filter(|s| s.len() == 3).collect();
    assert_eq!(statuses, ["200", "401", "200", "204", "401", "200"], "{shown}");
    assert!(!shown.contains("eyJ"), "a token is shown: {shown}");
}

#[tokio::test]
async fn the_first_printed_page_leads_on_to_all_others() {
    let place = Place::new();
    let _up = place.up().await;
    let output = place.output();
    let page = output.lines().find_map(|line| line.strip_prefix("Usher is running. Start here: ")).unwrap();
    let answer = get(page).send().await;
    assert_eq!((answer.status, answer.find_header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(answer.find_header("content-security-policy").is_some_and(|policy| policy.contains("'self'")));
    let text = answer.text;
    let links: Vec<_> = text.split(" href=\"/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let expected = ["start.css", "account/", "apidocs/", "api/v1/genres/", "api/v1/films/metropolis"];
    assert_eq!(links, expected);
    for link in links {
        let status = get(&format!("{page}{link}")).send().await.status;
        // The account leads to the sign-in.
        let expected = if link.contains("films") {
            401
        } else if link == "account/" {
            303
        } else {
            200
        };
        assert_eq!(status, expected, "{link}");
    }
}

#[tokio::test]
async fn the_printed_page_shows_the_api() {
    let place = Place::new();
    let _up = place.up().await;
    let output = place.output();
    let page = output.lines().find_map(|line| line.strip_prefix("The API, to read and to try: ")).unwrap();
    let answer = get(page).send().await;
    assert_eq!((answer.status, answer.find_header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(answer.find_header("content-security-policy").is_some_and(|policy| policy.contains("'self'")));
    assert!(answer.text.contains("swagger-ui-bundle."));
    let document = get(&page.replace("/apidocs/", "/openapi.json")).send().await;
    assert_eq!(document.json()["openapi"], "3.1.0");
}

#[tokio::test]
async fn the_printed_page_signs_people_in_through_seven_providers() {
    let place = Place::new();
    let up = place.up().await;
    let output = place.output();
    let line = output.lines().find_map(|line| {
        line.strip_prefix("Register or sign in, also through Google and six other providers (mock servers): ")
    });
    let page = line.unwrap();
    let answer = get(&format!("{page}sign-in")).send().await;
    assert_eq!((answer.status, answer.find_header("content-type")), (200, Some("text/html; charset=utf-8")));

    let env_file = fs::read_to_string(place.env_file()).unwrap();
    let providers = value(&env_file, "PROVIDERS_URL");
    let listed = get(&page.replace("/account/", "/api/v1/auth/providers")).send().await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 7);
    for provider in listed["items"].as_array().unwrap() {
        let start = page.replace("/account/", provider["start_url"].as_str().unwrap());
        let sent = get(&format!("{start}?return_to={page}signed-in")).send().await;
        assert_eq!(sent.status, 302, "{provider}");
        let there = get(sent.find_header("location").unwrap()).send().await;
        assert_eq!(
            (there.status, sent.find_header("location").unwrap().starts_with(&providers)),
            (200, true)
        );
    }
    let secret = value(&env_file, "ADMIN_OAUTH_GOOGLE_CLIENT_SECRET");
    let arguments = arguments(&up.servers());
    assert!(arguments.contains("providers.json") && !arguments.contains(&secret));
    assert_eq!(mode(&place.path("state/providers/providers.json")), 0o600);
}

#[tokio::test]
async fn redis_requires_a_password_that_is_in_no_argument() {
    let place = Place::new();
    let up = place.up().await;
    let env_file = fs::read_to_string(place.env_file()).unwrap();
    let url = value(&env_file, "REDIS_URL");
    let (password, address) =
        url.strip_prefix("redis://default:").and_then(|rest| rest.split_once('@')).unwrap();
    let mut stranger = TcpStream::connect(address).unwrap();
    stranger.write_all(b"PING\r\n").unwrap();
    let mut reply = String::new();
    BufReader::new(stranger).read_line(&mut reply).unwrap();
    assert!(reply.starts_with("-NOAUTH"), "{reply}");
    let arguments = arguments(&up.servers());
    assert!(arguments.contains("redis-server") && !arguments.contains(password));
}

#[tokio::test]
async fn workers_whose_nginx_was_killed_end_with_the_run_and_with_the_next() {
    let place = Place::new();
    for launcher_too in [false, true] {
        let mut up = place.up().await;
        let nginx = value(&fs::read_to_string(place.env_file()).unwrap(), "NGINX_PID").parse().unwrap();
        until("nginx's workers", LIMIT, async || !procfs::descendants(nginx).is_empty()).await.unwrap();
        let workers = procfs::descendants(nginx);
        Identity::of(nginx).unwrap().signal(Signal::KILL);
        up.signal(if launcher_too { Signal::KILL } else { Signal::TERM });
        up.ends().await;
        if !launcher_too {
            are_gone(&workers).await;
        }
    }
    let _again = place.up().await;
    assert!(paste(&place.commands()[1]).contains("HTTP/1.1 401"));
}

#[tokio::test]
async fn forget_removes_data_only_if_nothing_runs_and_ends_leftovers_first() {
    let folder = Place::new();
    let place = Place { state: "kept/up", ..folder };
    let forget = || {
        let mut command = Command::new(programs::ours("launcher").unwrap());
        command.arg("forget").arg("--state").arg(place.path("kept")).output().unwrap()
    };
    let mut up = place.up().await;
    let servers = up.servers();
    let refused = forget();
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("already running"), "{refused:?}");
    assert!(place.path("kept/up/secrets").exists());

    up.signal(Signal::KILL);
    up.ends().await;
    assert!(forget().status.success());
    are_gone(&servers).await;
    assert!(!place.path("kept").exists());
}

#[tokio::test]
async fn a_ctrl_c_ends_everything_and_the_next_run_knows_the_same_people() {
    let place = Place::new();
    let mut up = place.up().await;
    let (servers, secrets) = (up.servers(), place.secrets());
    assert!(servers.len() >= 7);
    assert_eq!((mode(&place.env_file()), mode(&place.path("state/secrets"))), (0o600, 0o600));
    assert!(secrets.lines().all(|line| !place.output().contains(line.split('\'').nth(1).unwrap())));

    up.signal(Signal::INT);
    up.ends().await;
    are_gone(&servers).await;
    assert!(!place.env_file().exists());

    let _again = place.up().await;
    assert_eq!(place.secrets(), secrets);
    assert!(paste(&place.commands()[2]).contains("Metropolis"));
}

#[tokio::test]
async fn processes_that_a_killed_run_left_are_ended_by_the_next_run() {
    let place = Place::new();
    let mut up = place.up().await;
    let servers = up.servers();
    up.signal(Signal::KILL);
    up.ends().await;
    assert!(servers.iter().any(|server| server.is_running()));

    let _again = place.up().await;
    are_gone(&servers).await;
    assert!(paste(&place.commands()[2]).contains("Metropolis"));
}

#[tokio::test]
async fn a_second_run_beside_the_first_is_refused_and_does_no_harm() {
    let place = Place::new();
    let up = place.up().await;
    let env_file = fs::read_to_string(place.env_file()).unwrap();
    let commands = place.commands();
    let mut second = place.start();
    second.ends().await;
    assert!(place.output().contains("already running"), "{}", place.output());
    assert_eq!(fs::read_to_string(place.env_file()).unwrap(), env_file);
    assert!(paste(&commands[0]).contains("Drama"));
    drop(up);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let place = Place::new();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", place.port)).unwrap();
    let mut up = place.start();
    up.ends().await;
    assert!(place.output().contains(&format!("up --port {}", place.port + 1)), "{}", place.output());
}
