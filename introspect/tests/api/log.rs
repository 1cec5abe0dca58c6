//! The log lines of decisions; and that no decision waits for the log.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use runtime::listen::Address;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Client, ISSUER, Setup, wait_until};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// The program itself, started and ready; it is ended when the value is dropped.
struct Program {
    process: Child,
    setup: Setup,
    decisions: Address,
    ops: Address,
}

impl Program {
    /// Writes its log to `errors`, with the default levels.
    fn start(errors: impl FnOnce(&Setup) -> Stdio) -> Self {
        Self::start_with(|setup| (Stdio::null(), errors(setup)))
    }

    /// Writes to these two.
    fn start_with(outputs: impl FnOnce(&Setup) -> (Stdio, Stdio)) -> Self {
        let setup = Setup::new();
        setup.log.begin(1, &[]);
        let socket = |name: &str| setup.folder.path().join(name);
        let (decisions, ops) = (socket("auth.sock"), socket("ops.sock"));
        let unix = |path: &PathBuf| format!("unix:{}", path.display());
        let (listen, listen_ops) = (unix(&decisions), unix(&ops));
        let setup = setup.with("INTROSPECT_LISTEN", listen).with("INTROSPECT_OPS_LISTEN", listen_ops);
        let mut command = Command::new(env!("CARGO_BIN_EXE_introspect"));
        let (output, errors) = outputs(&setup);
        command.env_clear().envs(&setup.vars).stdout(output).stderr(errors);
        let process = command.spawn().unwrap();
        let program = Self { process, setup, decisions: Address::Unix(decisions), ops: Address::Unix(ops) };
        wait_until("the sidecar is ready", || {
            let client = Client::try_connect(&program.ops);
            client.is_ok_and(|mut client| client.get("/health/ready").status == 200)
        });
        program
    }

    /// Writes its log to a pipe that the test reads.
    fn logged() -> Self {
        Self::start(|setup| std::fs::File::create(setup.folder.path().join("log")).unwrap().into())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.setup.folder.path().join("log")).unwrap()
    }

    /// The lines with this message.
    fn lines(&self, sentence: &str) -> Vec<Value> {
        let lines = self.log();
        let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["message"].as_str().is_some_and(|told| told.contains(sentence))).collect()
    }

    /// Waits until there are this many lines, and returns them.
    fn wait_for(&self, sentence: &str, count: usize) -> Vec<Value> {
        wait_until(sentence, || self.lines(sentence).len() >= count);
        self.lines(sentence)
    }

    fn token(&self) -> (String, String) {
        let claims = forge::claims(ISSUER, self.setup.clock.now());
        (self.setup.mint.token(&claims), claims["sub"].as_str().unwrap().to_owned())
    }

    /// Sends a request under `policy`, with or without a token, in a trace that is sampled (`01`) or not
    /// (`00`).
    fn ask(&self, client: &mut Client, policy: &str, token: Option<&str>, flags: &str) -> u16 {
        let (authorization, parent) =
            (format!("Bearer {}", token.unwrap_or_default()), format!("00-{TRACE}-00f067aa0ba902b7-{flags}"));
        let mut headers =
            vec![("X-Auth-Policy", policy), ("X-Request-Id", TRACE), ("traceparent", parent.as_str())];
        headers.extend(token.map(|_| ("Authorization", authorization.as_str())));
        client.ask(&headers).status
    }

    fn operations(&self, method: &str, path: &str) -> (u16, String) {
        let answer = Client::connect(&self.ops).call(method, path);
        (answer.status, answer.body)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _ended = self.process.wait();
    }
}

#[test]
fn an_allowed_request_is_logged_where_its_trace_is_sampled() {
    let program = Program::logged();
    let (mut client, (token, user)) = (Client::connect(&program.decisions), program.token());
    for flags in ["00", "01", "00"] {
        assert_eq!(program.ask(&mut client, "user", Some(&token), flags), 204);
    }
    assert_eq!(program.ask(&mut client, "anonymous", None, "01"), 204);
    let lines = program.wait_for("Request allowed", 2);
    assert_eq!(lines.len(), 2, "{lines:?}");
    for line in &lines {
        assert_eq!((&line["request_id"], &line["trace_id"]), (&TRACE.into(), &TRACE.into()), "{line}");
    }
    assert_eq!((&lines[0]["user"], &lines[0]["policy"]), (&Value::from(user), &"user".into()));
    assert_eq!((&lines[1]["user"], &lines[1]["policy"]), (&Value::Null, &"anonymous".into()));
    assert!(!program.log().contains(&token));
}

#[test]
fn refusals_by_policy_are_logged_and_others_at_the_level_debug() {
    let program = Program::logged();
    let (mut client, (token, user)) = (Client::connect(&program.decisions), program.token());
    assert_eq!(program.ask(&mut client, "user;role=vip", Some(&token), "00"), 403);
    assert_eq!(program.ask(&mut client, "user", None, "00"), 401);
    assert_eq!(program.ask(&mut client, "user", None, "01"), 401);
    assert_eq!(program.operations("PUT", "/log-levels?info,introspect::decision_log=debug").0, 200);
    assert_eq!(program.ask(&mut client, "user", None, "00"), 401);
    let lines = program.wait_for("Request refused", 3);
    let told: Vec<_> = lines.iter().map(|line| (line["reason"].as_str().unwrap(), &line["level"])).collect();
    let (info, debug) = (Value::from("INFO"), Value::from("DEBUG"));
    assert_eq!(told, [("role_missing", &info), ("token_missing", &info), ("token_missing", &debug)]);
    assert_eq!((&lines[0]["user"], &lines[0]["trace_id"]), (&Value::from(user), &Value::Null));
    assert_eq!(lines[1]["trace_id"], TRACE);
    assert_eq!(
        (&lines[0]["code"], &lines[1]["code"]),
        (&"insufficient_scope".into(), &"token_missing".into())
    );
}

#[test]
fn the_levels_of_the_log_are_changed_while_it_runs() {
    let program = Program::logged();
    let levels = || program.operations("GET", "/log-levels").1;
    assert_eq!(levels(), "info\n");
    assert_eq!(program.operations("PUT", "/log-levels?warn,introspect=debug").0, 200);
    assert_eq!(levels(), "warn,introspect=debug\n");
    program.wait_for("Log levels changed.", 1);
    for wrong in ["", "?", "?inof", "?off", "?[", "?a=b=c"] {
        assert_eq!(program.operations("PUT", &format!("/log-levels{wrong}")).0, 400, "{wrong}");
    }
    assert_eq!(levels(), "warn,introspect=debug\n");
    assert_eq!(program.operations("POST", "/log-levels?info").0, 405);
}

#[test]
fn a_connection_for_each_subrequest_is_logged_with_what_to_do() {
    let program = Program::logged();
    for _ in 0..100 {
        assert_eq!(program.ask(&mut Client::connect(&program.decisions), "anonymous", None, "00"), 204);
    }
    let told = program.wait_for("opens a connection for nearly every auth_request subrequest", 1);
    assert!(told[0]["message"].as_str().unwrap().contains("`keepalive`"), "{told:?}");
    assert_eq!((&told[0]["connections"], &told[0]["requests"]), (&100.into(), &100.into()));
    let metrics = program.operations("GET", "/metrics").1;
    assert!(metrics.contains("usher_introspect_connection_requests_bucket{le=\"1.0\"} 100"), "{metrics}");
}

#[test]
fn a_log_that_is_not_read_delays_no_decision() {
    let program = Program::start(|_| Stdio::piped());
    let mut client = Client::connect(&program.decisions);
    // More than the pipe and the queue can hold.
    for _ in 0..5000 {
        assert_eq!(program.ask(&mut client, "anonymous", None, "01"), 204);
    }
    let metrics = program.operations("GET", "/metrics").1;
    let lost =
        metrics.lines().find_map(|line| line.strip_prefix("usher_introspect_log_lines_dropped_total "));
    assert!(lost.is_some_and(|lost| lost.parse::<u64>().unwrap() > 0), "{metrics}");
}

#[test]
fn a_program_whose_log_is_not_read_stops_when_asked_to() {
    // As under `2>&1 | less`: both outputs are one pipe.
    let (unread, pipe) = std::io::pipe().unwrap();
    let mut program = Program::start_with(|_| (pipe.try_clone().unwrap().into(), pipe.into()));
    let mut client = Client::connect(&program.decisions);
    for _ in 0..5000 {
        assert_eq!(program.ask(&mut client, "anonymous", None, "01"), 204);
    }
    let process = Pid::from_child(&program.process);
    kill_process(process, Signal::TERM).unwrap();
    wait_until("it ends", || program.process.try_wait().unwrap().is_some());
    assert_eq!(program.process.wait().unwrap().code(), Some(0));
    drop(unread);
}
