//! `introspect lint-nginx` as a program: its output and its exit codes.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; clippy knows only the functions marked as tests"
)]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/lint/tests/configurations");

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../nginx");

/// A configuration with mistakes, with the empty line that nginx prints after it.
fn wrong(name: &str) -> String {
    std::fs::read_to_string(format!("{FOLDER}/{name}.conf")).unwrap() + "\n"
}

/// The output of `nginx -T` for the shipped configuration, with the first example of `machine.conf`.
fn shipped() -> String {
    let mut dump = Vec::new();
    add_file("nginx.conf", &mut dump);
    dump.into_iter()
        .map(|(name, text)| format!("# configuration file /etc/usher/{name}:\n{text}\n"))
        .collect()
}

/// Adds a file, then those that it includes, each once, as nginx does.
fn add_file(name: &str, dump: &mut Vec<(String, String)>) {
    if dump.iter().any(|(known, _)| known == name) {
        return;
    }
    let file = if name == "machine.conf" { "examples/machine.conf" } else { name };
    let text = std::fs::read_to_string(format!("{SHIPPED}/{file}")).unwrap();
    dump.push((name.to_owned(), text.clone()));
    for line in text.lines().filter_map(|line| line.trim().strip_prefix("include ")?.strip_suffix(';')) {
        let Some(folder) = line.strip_suffix("/*.conf") else {
            add_file(line, dump);
            continue;
        };
        let entries = std::fs::read_dir(format!("{SHIPPED}/{folder}")).into_iter().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        for name in names {
            add_file(&format!("{folder}/{name}"), dump);
        }
    }
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
fn text_output_has_position_problem_risk_and_remedy() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), wrong("auth-location-not-internal")).unwrap();
    let told = lint_nginx(&[file.path().to_str().unwrap()], "");
    assert_eq!(told.status.code(), Some(1));
    let text = String::from_utf8(told.stdout).unwrap();
    let finding = "/etc/nginx/nginx.conf:4: error: auth-location-not-internal\n    \
        Clients can request `location = /_introspect`.\n    \
        An attacker can test stolen tokens here, and load the sidecar, without a trace at any program.\n    \
        Add `internal;` to it. `deny all` is not enough.\n";
    assert!(text.contains(finding), "{text}");
    assert!(text.ends_with(" not read; 2 locations asking the sidecar.\n"), "{text}");
}

#[test]
fn json_output_has_every_way_and_every_finding() {
    let told = lint_nginx(&["--json"], &wrong("auth-location-not-internal"));
    assert_eq!(told.status.code(), Some(1));
    let output: Value = serde_json::from_slice(&told.stdout).unwrap();
    let of_rule = |object: &&Value| object["rule"] == "auth-location-not-internal";
    let object = output["findings"].as_array().unwrap().iter().find(of_rule).unwrap();
    assert_eq!(object["file"], "/etc/nginx/nginx.conf");
    assert_eq!(object["line"], 4);
    assert_eq!(object["severity"], "error");
    assert_eq!(object["problem"], "Clients can request `location = /_introspect`.");
    assert_eq!(object["remedy"], "Add `internal;` to it. `deny all` is not enough.");
    let ways = output["ways"].as_array().unwrap();
    let protections: Vec<_> = ways.iter().map(|way| way["protection"].as_str().unwrap()).collect();
    assert!(protections.contains(&"asked") && !protections.contains(&"open"), "{ways:?}");
}

#[test]
fn input_that_cannot_be_read_is_reported_with_its_position_and_exit_code_2() {
    for (input, told) in [
        ("http { }\n", "introspect: input:1: this is not the output of nginx -T"),
        ("# configuration file /a:\nhttp {\n\n", "introspect: /a:3: the file ends without `;` or `}`."),
        (
            "# configuration file /a:\ninclude b;\n\n",
            "introspect: /a:1: /b is included, but is not in the dump.",
        ),
        ("# configuration file /a:\nx_by_lua_block {\n\n", "introspect: /a:1: Lua blocks are not supported"),
        ("# configuration file /a:\nuser a;\n", "introspect: /a:1: the text ends without the empty line"),
    ] {
        let output = lint_nginx(&[], input);
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with(told), "{text}");
    }
}

#[test]
fn a_part_that_is_not_read_is_exit_code_2() {
    let dump = shipped().replacen("    return 404;", "    js_content films.answer;", 1);
    let told = lint_nginx(&[], &dump);
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(text.contains(": unread: not-read\n"), "{text}");
    assert_eq!(told.status.code(), Some(2), "{text}");
}

#[test]
fn wrong_usage_is_exit_code_64() {
    for args in [
        &["/nowhere/at/all"][..],
        &["--no-such"],
        &["--explain", "no-such"],
        &["--explain", "open-left", "--json"],
    ] {
        assert_eq!(lint_nginx(args, "").status.code(), Some(64), "{args:?}");
    }
    assert_eq!(lint_nginx(&["--help"], "").status.code(), Some(0));
}

#[test]
fn a_rule_is_explained() {
    let told = lint_nginx(&["--explain", "open-location"], "");
    let text = String::from_utf8(told.stdout).unwrap();
    let begin = "open-location (error)\n    What it finds: a block that leads to a program that another location protects, \
                 and does not ask the sidecar.\n    Every client reaches the program";
    assert!(text.starts_with(begin), "{text}");
    assert!(text.contains("include snippets/protect.conf;"), "{text}");
    assert_eq!(told.status.code(), Some(0));
}

#[test]
fn a_warning_alone_is_a_failure_only_when_strict() {
    let dump = shipped();
    let told = lint_nginx(&["--strict"], &dump);
    assert_eq!(told.status.code(), Some(0), "{}", String::from_utf8_lossy(&told.stdout));
    let warned = dump.replacen("auth.sock max_fails=0;", "auth.sock; server unix:/b;", 1);
    let told = lint_nginx(&[], &warned);
    assert_eq!(told.status.code(), Some(0));
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(text.contains(": warning: upstream-max-fails\n"), "{text}");
    assert!(
        text.ends_with("0 errors, 1 warning, 0 parts not read; 4 locations asking the sidecar.\n"),
        "{text}"
    );
    assert_eq!(lint_nginx(&["--strict"], &warned).status.code(), Some(1));
}

#[test]
fn the_table_says_what_protects_each_path() {
    let text = String::from_utf8(lint_nginx(&[], &shipped()).stdout).unwrap();
    let row = |location: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(location)).unwrap();
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        row("location /api/v1/watch/")[1..6],
        [
            "clients",
            "127.0.0.1:8000",
            "/_introspect",
            "user;role=subscriber;cookie=allow;stale=300s",
            "X-User-Id, X-User-Roles, X-Session-Id"
        ]
    );
    assert!(row("location /api/v1/genres/")[3].starts_with("nothing, declared: "), "{text}");
    assert_eq!(row("location = /.well-known/jwks.json")[3], "nothing");
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
