//! `introspect lint-nginx` as a program: its output and its exit codes.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; clippy knows only the functions marked as tests"
)]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/lint/tests/configurations");

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../nginx");

fn path(name: &str) -> PathBuf {
    PathBuf::from(FOLDER).join(format!("{name}.conf"))
}

/// The output of `nginx -T` for the shipped configuration, with the first example of `machine.conf`.
fn shipped() -> String {
    let mut names = vec!["nginx.conf".to_owned(), "machine.conf".to_owned(), "cinema.conf".to_owned()];
    for folder in ["conf.d", "snippets"] {
        let entries = std::fs::read_dir(format!("{SHIPPED}/{folder}")).unwrap();
        names.extend(entries.map(|entry| format!("{folder}/{}", entry.unwrap().file_name().display())));
    }
    let dumped = names.iter().map(|name| {
        let file = if name == "machine.conf" { "examples/machine.conf" } else { name };
        let text = std::fs::read_to_string(format!("{SHIPPED}/{file}")).unwrap();
        format!("# configuration file /etc/usher/{name}:\n{text}\n")
    });
    dumped.collect()
}

fn lint_nginx(args: &[&str], input: &str) -> Output {
    program(&[&["lint-nginx"], args].concat(), input)
}

fn program(args: &[&str], input: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_introspect"));
    program.env_clear().args(args);
    let piped = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = piped.spawn().unwrap();
    // A program that reads the configuration from a file ignores this.
    let _unread = process.stdin.take().unwrap().write_all(input.as_bytes());
    process.wait_with_output().unwrap()
}

#[test]
fn text_output_has_position_problem_and_remedy() {
    let file = path("auth-location-not-internal");
    let told = lint_nginx(&[file.to_str().unwrap()], "");
    assert_eq!(told.status.code(), Some(1));
    let text = String::from_utf8(told.stdout).unwrap();
    let finding = "/etc/nginx/nginx.conf:4: error: auth-location-not-internal\n    \
        Clients can request `location = /_introspect`.\n    Add `internal;` to it. `deny all` is not enough.\n";
    assert!(text.contains(finding), "{text}");
    assert!(text.ends_with(" warnings; 2 locations asking the sidecar.\n"), "{text}");
}

#[test]
fn json_output_has_one_object_per_line() {
    let dump = std::fs::read_to_string(path("auth-location-not-internal")).unwrap();
    let told = lint_nginx(&["--format", "json"], &dump);
    assert_eq!(told.status.code(), Some(1));
    let lines = String::from_utf8(told.stdout).unwrap();
    let objects: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_rule = |object: &&Value| object["rule"] == "auth-location-not-internal";
    let object = objects.iter().find(of_rule).unwrap();
    assert_eq!(object["file"], "/etc/nginx/nginx.conf");
    assert_eq!(object["line"], 4);
    assert_eq!(object["severity"], "error");
    assert_eq!(object["problem"], "Clients can request `location = /_introspect`.");
    assert_eq!(object["remedy"], "Add `internal;` to it. `deny all` is not enough.");
}

#[test]
fn unreadable_input_is_reported_with_its_position_and_exit_code_64() {
    for (input, told) in [
        ("http { }\n", "introspect: input:1: this is not the output of nginx -T"),
        ("# configuration file /a:\nhttp {\n", "introspect: /a:2: the file ends without `;` or `}`."),
        (
            "# configuration file /a:\ninclude b;\n",
            "introspect: /a:1: /b is included, but is not in the dump.",
        ),
        ("# configuration file /a:\nx_by_lua_block {\n", "introspect: /a:1: Lua blocks are not supported"),
    ] {
        let output = lint_nginx(&[], input);
        assert_eq!(output.status.code(), Some(64));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with(told), "{text}");
    }
    assert_eq!(lint_nginx(&["/nowhere/at/all"], "").status.code(), Some(64));
}

#[test]
fn a_warning_alone_is_a_failure_only_when_strict() {
    let dump = shipped();
    assert_eq!(lint_nginx(&["--strict"], &dump).status.code(), Some(0));
    let warned = dump.replacen("auth.sock max_fails=0", "auth.sock", 1);
    let told = lint_nginx(&[], &warned);
    assert_eq!(told.status.code(), Some(0));
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(text.contains(": warning: upstream-max-fails\n"), "{text}");
    assert!(text.ends_with("0 errors, 1 warning; 4 locations asking the sidecar.\n"), "{text}");
    assert_eq!(lint_nginx(&["--strict"], &warned).status.code(), Some(1));
}

#[test]
fn open_locations_are_listed() {
    let dump = shipped();
    let text = String::from_utf8(lint_nginx(&[], &dump).stdout).unwrap();
    let open: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("Open to all clients: ")).collect();
    assert_eq!(open.len(), 1, "{text}");
    assert!(open[0].starts_with("`location /api/v1/genres/` (/etc/usher/cinema.conf:"), "{text}");
}

#[test]
fn serve_is_the_default_command() {
    for args in [&[][..], &["serve"]] {
        let told = program(args, "");
        assert_eq!(told.status.code(), Some(64));
        assert!(String::from_utf8(told.stderr).unwrap().contains("REDIS_URL: "));
    }
    assert_eq!(program(&["lint"], "").status.code(), Some(2));
}
