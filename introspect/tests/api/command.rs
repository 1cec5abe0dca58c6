//! The program itself: its output and its exit codes.

use std::io::Read as _;
use std::process::{Command, Stdio};

use runtime::listen::Address;

use crate::support::{Client, Setup, wait_until};

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_introspect"));
    program.env_clear().stdout(Stdio::piped()).stderr(Stdio::piped());
    program
}

#[test]
fn it_tells_its_version() {
    let told = program().arg("--version").output().unwrap();
    assert_eq!(told.status.code(), Some(0));
    assert_eq!(told.stdout, format!("introspect {}\n", env!("CARGO_PKG_VERSION")).as_bytes());
}

#[test]
fn every_configuration_error_is_reported_with_exit_code_64() {
    let told = program().env("INTROSPECT_WORKERS", "none").output().unwrap();
    assert_eq!(told.status.code(), Some(64));
    let told = String::from_utf8(told.stderr).unwrap();
    for name in
        ["REDIS_URL", "INTROSPECT_JWKS", "INTROSPECT_ISSUER", "INTROSPECT_AUDIENCE", "INTROSPECT_WORKERS"]
    {
        assert!(told.lines().any(|line| line.starts_with(&format!("{name}: "))), "{told}");
    }
}

#[test]
fn an_unknown_variable_is_named() {
    let told = program().env("INTROSPECT_CACHE", "1000").output().unwrap();
    let told = String::from_utf8(told.stderr).unwrap();
    let warning = "introspect: warning: INTROSPECT_CACHE is set, but this program does not know it";
    assert!(told.lines().any(|line| line.starts_with(warning)), "{told}");
    // The sidecar itself logs it, before it listens.
    let setup = Setup::new().with("INTROSPECT_LISTEN", "unix:/nowhere-at-all/auth.sock");
    let told = program().envs(&setup.vars).env("INTROSPECT_CACHE", "1000").output().unwrap();
    let log = String::from_utf8([told.stdout, told.stderr].concat()).unwrap();
    let is_named =
        |line: &str| line.contains("unknown configuration variable") && line.contains("INTROSPECT_CACHE");
    assert!(log.lines().any(is_named), "{log}");
}

#[test]
fn an_unavailable_address_is_reported_with_exit_code_1() {
    let setup = Setup::new().with("INTROSPECT_LISTEN", "unix:/nowhere-at-all/auth.sock");
    let told = program().envs(&setup.vars).output().unwrap();
    assert_eq!(told.status.code(), Some(1));
    let told = String::from_utf8(told.stderr).unwrap();
    assert!(told.contains("introspect: /nowhere-at-all does not exist"), "{told}");
}

#[test]
fn it_takes_as_many_descriptors_as_it_may() {
    let setup = Setup::new();
    let socket = setup.folder.path().join("auth.sock");
    let setup = setup.with("INTROSPECT_LISTEN", format!("unix:{}", socket.display()));
    let mut shell = Command::new("/bin/sh");
    let run = "ulimit -S -n 64; exec \"$0\"";
    shell.env_clear().args(["-c", run, env!("CARGO_BIN_EXE_introspect")]).envs(&setup.vars);
    let mut process = shell.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    wait_until("it listens", || Client::try_connect(&Address::Unix(socket.clone())).is_ok());
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", process.id())).unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let mut values = files.split_whitespace();
    let (soft, hard) = (values.next(), values.next());
    assert!(soft == hard && soft != Some("64"), "{files}");
}

#[test]
fn the_program_does_not_depend_on_crates_for_tests() {
    let mut cargo = Command::new(env!("CARGO"));
    let asked = ["tree", "-p", "introspect", "-e", "normal", "--offline", "--prefix", "none"];
    let told = cargo.args(asked).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    let tree = String::from_utf8(told.stdout).unwrap();
    let has = |name: &str| tree.lines().any(|line| line.split(' ').next() == Some(name));
    assert!(has("shared"), "{tree}{}", String::from_utf8_lossy(&told.stderr));
    assert!(!has("forge") && !has("harness"), "{tree}");
}

#[test]
fn sigterm_ends_it_well_and_no_token_is_in_its_log() {
    let setup = Setup::new();
    setup.log.begin(1, &[]);
    let socket = setup.folder.path().join("auth.sock");
    let setup =
        setup.with("INTROSPECT_LISTEN", format!("unix:{}", socket.display())).with("INTROSPECT_LOG", "trace");
    let mut process = program().envs(&setup.vars).spawn().unwrap();
    let address = Address::Unix(socket.clone());
    wait_until("it listens", || Client::try_connect(&address).is_ok());
    let token = setup.mint.token(&forge::claims(crate::support::ISSUER, setup.clock.now()));
    let mut client = Client::connect(&address);
    let authorization = format!("Bearer {token}");
    let headers = [("X-Auth-Policy", "user"), ("Authorization", &*authorization)];
    wait_until("the token is valid", || client.ask(&headers).status == 204);
    for bad in [format!("Bearer {token}x"), format!("Bearer  {token} {token}")] {
        client.ask(&[("X-Auth-Policy", "user"), ("Authorization", &*bad)]).is_unauthorized("token_invalid");
    }
    client.ask(&[("X-Auth-Policy", "usher"), ("Authorization", &*authorization)]).is_forbidden();

    let pid = rustix::process::Pid::from_child(&process);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(0));
    assert!(!socket.exists());
    let mut log = String::new();
    process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("introspect has stopped"), "{log}");
    let signature = token.rsplit('.').next().unwrap();
    assert!(log.contains("token_malformed") && !log.contains(signature), "{log}");
}

#[test]
fn it_asks_itself_whether_it_is_ready() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let health = |address: &str| {
        let told = program().arg("health").env("INTROSPECT_OPS_LISTEN", address).output().unwrap();
        (told.status.code(), String::from_utf8(told.stderr).unwrap())
    };
    let (code, told) = health(&format!("tcp:{unused}"));
    assert!(code == Some(1) && told.contains("not ready"), "{told}");
    let (code, told) = health("9002");
    assert!(code == Some(64) && told.contains("INTROSPECT_OPS_LISTEN"), "{told}");

    let sidecar = crate::support::Sidecar::start();
    let address = sidecar.ops_address().to_string();
    wait_until("the sidecar is ready", || health(&address).0 == Some(0));
}
