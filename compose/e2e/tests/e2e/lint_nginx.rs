//! `introspect lint-nginx` on the shipped configuration, printed by the real nginx: it reports nothing, and it
//! reports each line that is removed.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use harness::{Folder, Launch, ports, programs};
use serde_json::Value;

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../nginx");

/// A change of a shipped file: the text whose first occurrence is replaced, the new text, and the rule that finds it.
type Change = (&'static str, &'static str, &'static str, &'static str);

const CHANGES: [Change; 58] = [
    ("cinema.conf", "# open: the list of genres is public", "", "open-location"),
    (
        "cinema.conf",
        "location / {\n    return 404;",
        "location / {\n    proxy_pass http://LOCALHOST:8000;",
        "open-location",
    ),
    (
        "cinema.conf",
        "# The cinema.",
        "location ~ ^/(?!api/) {\n    include snippets/origin.conf;\n}",
        "open-location",
    ),
    (
        "cinema.conf",
        "# The cinema.",
        "location /more/ {\n    try_files $uri @origin;\n}\nlocation @origin {\n    include snippets/origin.conf;\n}",
        "open-location",
    ),
    (
        "snippets/introspect.conf",
        "proxy_pass http://introspect;",
        "proxy_pass http://origin;",
        "open-location",
    ),
    (
        "cinema.conf",
        "set $auth_policy \"user\";",
        "set $auth_policy \"user\";\n    if ($request_method = GET) {\n        rewrite ^ /api/v1/genres/ last;\n    }",
        "open-left",
    ),
    (
        "snippets/protect.conf",
        "auth_request /_introspect;",
        "auth_request /_introspect;\nsatisfy ANY;\nallow all;",
        "open-satisfy-any",
    ),
    ("snippets/introspect.conf", "X-Original-Method $request_method", "X-Original-Method GET", "auth-method"),
    ("cinema.conf", "include snippets/identity-guard.conf;", "", "identity-guard"),
    ("cinema.conf", "include snippets/identity-guard.conf;", "", "underscores-in-headers"),
    ("cinema.conf", "include snippets/path-guard.conf;", "", "path-guard"),
    ("cinema.conf", "set $auth_policy \"user\";", "", "policy-missing"),
    ("cinema.conf", "user;role=subscriber", "user; role=subscriber", "policy-malformed"),
    ("cinema.conf", "include snippets/protect.conf;", "", "policy-unused"),
    (
        "cinema.conf",
        "include snippets/protect.conf;",
        "include snippets/protect.conf;\nreturn 200;",
        "return-before-auth",
    ),
    (
        "cinema.conf",
        "include snippets/errors.conf;",
        "include snippets/errors.conf;\nset $auth_policy user;",
        "policy-elsewhere",
    ),
    (
        "cinema.conf",
        "location / {\n    return 404;",
        "location / {\n    include snippets/admin.conf;",
        "internal-public",
    ),
    ("cinema.conf", "(auth|me)(", "(admin|auth|me)(", "internal-public"),
    ("conf.d/identity.conf", "$http_x_session_id", "", "identity-guard"),
    ("conf.d/logs.conf", "\"path\":\"$logged_path\"", "\"path\":\"$request_uri\"", "log-secrets"),
    ("snippets/protect.conf", "\nauth_request /_introspect;", "", "nothing-protected"),
    ("snippets/origin.conf", "http${auth_gate}://origin", "http://origin", "decision-not-required"),
    (
        "snippets/protect.conf",
        "$auth_gate $gate_of_decision",
        "$auth_gate $upstream_http_x_auth_decision",
        "decision-not-required",
    ),
    ("conf.d/decision.conf", "default \"-refused\";", "default \"\";", "decision-not-required"),
    (
        "snippets/protect.conf",
        "auth_request /_introspect;",
        "auth_request /_nobody;",
        "auth-location-missing",
    ),
    ("snippets/introspect.conf", "internal;", "", "auth-location-not-internal"),
    ("snippets/introspect.conf", "proxy_pass_request_body off;", "", "auth-body"),
    ("snippets/introspect.conf", "proxy_set_header Content-Length \"\";", "", "auth-body"),
    ("snippets/introspect.conf", "proxy_http_version 1.1;", "", "auth-keep-alive"),
    ("snippets/introspect.conf", "proxy_set_header Connection \"\";", "", "auth-keep-alive"),
    ("snippets/introspect.conf", "proxy_set_header X-Auth-Policy $auth_policy;", "", "policy-not-sent"),
    (
        "snippets/introspect.conf",
        "X-Auth-Policy $auth_policy",
        "X-Auth-Policy $http_x_auth_policy",
        "policy-from-client",
    ),
    ("snippets/introspect.conf", "proxy_set_header X-Request-Id $request_id;", "", "request-id"),
    ("snippets/introspect.conf", "proxy_read_timeout 500ms;", "", "auth-timeouts"),
    ("snippets/errors.conf", "error_page 403     = @problem_403;", "", "challenge-lost"),
    (
        "snippets/errors.conf",
        "error_page 401     = @problem_401;",
        "error_page 401 =200 @problem_401;",
        "error-page-opens",
    ),
    ("snippets/problem.conf", "include snippets/headers.conf;", "", "add-header-lost"),
    ("snippets/proxy.conf", "proxy_set_header X-User-Id $auth_user;", "", "identity-not-set"),
    ("snippets/proxy.conf", "proxy_pass_request_headers off;", "", "obeyed-headers"),
    ("snippets/proxy.conf", "proxy_pass_request_headers off;", "", "spelling-not-cleared"),
    ("snippets/proxy.conf", "proxy_pass_request_headers off;", "", "identity-not-set"),
    ("snippets/proxy.conf", "X-User-Roles $auth_roles", "X-User-Roles $http_x_user_roles", "identity-source"),
    ("snippets/proxy.conf", "proxy_pass_request_headers off;", "", "token-to-origin"),
    (
        "snippets/origin.conf",
        "proxy_set_header Cookie $cookie_for_origin;",
        "proxy_set_header Authorization $http_authorization;",
        "token-to-origin",
    ),
    ("snippets/origin.conf", "Cookie $cookie_for_origin;", "Cookie $http_cookie;", "cookie-to-origin"),
    (
        "snippets/introspect.conf",
        "proxy_ignore_headers X-Accel-Redirect",
        "proxy_ignore_headers",
        "auth-redirected",
    ),
    ("conf.d/paths.conf", "default 1;", "default \"\";", "path-guard"),
    (
        "conf.d/paths.conf",
        "default                                 $path_in_doubt;",
        "default \"\";",
        "path-guard",
    ),
    ("snippets/proxy.conf", "proxy_ignore_client_abort on;", "", "client-abort"),
    ("snippets/introspect.conf", "proxy_ignore_client_abort on;", "", "client-abort"),
    ("snippets/proxy.conf", "proxy_max_temp_file_size 0;", "", "temporary-files"),
    (
        "conf.d/limits.conf",
        "limit_conn_zone $client_network",
        "limit_conn_zone $remote_addr",
        "limit-by-address",
    ),
    ("conf.d/limits.conf", "limit_conn requests 256;", "", "connections-unlimited"),
    ("machine.conf", "set_real_ip_from 127.0.0.1;", "", "real-ip"),
    ("snippets/pool.conf", "\nkeepalive 64;", "", "upstream-keepalive"),
    ("snippets/pool.conf", "keepalive_requests 1000000;", "", "upstream-keepalive-requests"),
    (
        "machine.conf",
        "server unix:/run/introspect/auth.sock max_fails=0;",
        "server 10.0.0.9:8002;",
        "auth-address",
    ),
    (
        "machine.conf",
        "server unix:/run/introspect/auth.sock max_fails=0;",
        "server unix:/a; server unix:/b;",
        "upstream-max-fails",
    ),
];

/// The shipped configuration, included by an example of `machine.conf` with other paths.
struct Shipped {
    folder: Folder,
}

impl Shipped {
    fn new(example: &str) -> Self {
        let folder = Folder::temporary().unwrap();
        folder.copy(Path::new(SHIPPED), "conf").unwrap();
        folder.inside("temporary").unwrap();
        let port = || format!("listen 127.0.0.1:{}", ports::free().unwrap());
        let place = folder.path().display();
        let mut conf = std::fs::read_to_string(Path::new(SHIPPED).join("examples").join(example)).unwrap();
        for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            conf.push_str(&format!("{kind}_temp_path {place}/temporary/{kind};\n"));
        }
        let conf = conf
            .replace("/var/log/nginx", &place.to_string())
            .replace("/etc/ssl/usher", &place.to_string())
            .replace("listen 127.0.0.1:8080", &port())
            .replace("listen 80", &port())
            .replace("listen 443", &port());
        folder.write("conf/machine.conf", &conf).unwrap();
        Self { folder }
    }

    /// Replaces the first occurrence of a text.
    fn change(&self, file: &str, from: &str, to: &str) {
        let name = format!("conf/{file}");
        let text = std::fs::read_to_string(self.folder.join(&name)).unwrap();
        assert!(text.contains(from), "{from} in {file}");
        self.folder.write(&name, &text.replacen(from, to, 1)).unwrap();
    }

    /// The configuration as the real nginx prints it.
    fn dump(&self) -> String {
        let launch = Launch::new("nginx", programs::installed("nginx", "nginx").unwrap(), &self.folder);
        let main = self.folder.join("conf/nginx.conf");
        let pid = format!("pid {};", self.folder.join("nginx.pid").display());
        launch.args(["-T", "-e", "stderr", "-c", main.to_str().unwrap(), "-g", &pid]).run("").unwrap()
    }
}

/// The findings of the real program, with its warnings, and its exit code.
fn lint(dump: &str) -> (Vec<Value>, Option<i32>) {
    let mut program = Command::new(programs::ours("introspect").unwrap());
    program.env_clear().args(["lint-nginx", "--strict", "--json"]);
    let mut process = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(dump.as_bytes()).unwrap();
    let told = process.wait_with_output().unwrap();
    let output: Value = serde_json::from_slice(&told.stdout).unwrap_or_default();
    let none = Vec::new();
    (output["findings"].as_array().unwrap_or(&none).clone(), told.status.code())
}

#[test]
fn nothing_is_wrong_with_the_configuration_as_shipped() {
    let shipped = Shipped::new("machine.conf");
    assert_eq!(lint(&shipped.dump()), (Vec::new(), Some(0)));
}

#[test]
fn nothing_is_wrong_with_the_optional_snippets() {
    let shipped = Shipped::new("machine.conf");
    let all = ["cinema", "snippets/preflight", "snippets/apidocs", "snippets/start-page"];
    let all: Vec<_> = all.iter().map(|name| format!("include {name}.conf;")).collect();
    shipped.change("machine.conf", "include cinema.conf;", &all.join("\n"));
    assert_eq!(lint(&shipped.dump()), (Vec::new(), Some(0)));
}

#[test]
fn nothing_is_wrong_with_the_example_with_tls() {
    let shipped = Shipped::new("machine-tls.conf");
    for kind in ["key", "pem"] {
        shipped.folder.write(&format!("cinema.example.{kind}"), "").unwrap();
    }
    let (key, certificate) =
        (shipped.folder.join("cinema.example.key"), shipped.folder.join("cinema.example.pem"));
    let asked =
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=cinema.example";
    let mut openssl = Command::new("openssl");
    openssl.args(asked.split(' ')).arg("-keyout").arg(key).arg("-out").arg(certificate);
    let made = openssl.output().unwrap();
    assert!(made.status.success(), "{made:?}");
    assert_eq!(lint(&shipped.dump()), (Vec::new(), Some(0)));
}

#[test]
fn each_removed_line_is_reported() {
    for (file, from, to, rule) in CHANGES {
        let shipped = Shipped::new("machine.conf");
        shipped.change(file, from, to);
        let (findings, code) = lint(&shipped.dump());
        assert!(findings.iter().any(|finding| finding["rule"] == rule), "{file}: {from}: {findings:?}");
        assert_eq!(code, Some(1), "{file}: {from}");
    }
}

#[test]
fn a_comment_that_looks_like_a_heading_hides_nothing() {
    let shipped = Shipped::new("machine.conf");
    let file = shipped.folder.join("conf/cinema.conf");
    let text = std::fs::read_to_string(&file).unwrap();
    let open = text.replacen("include snippets/protect.conf;", "", 1);
    for name in ["cinema.conf", "other.conf"] {
        let name = shipped.folder.join("conf").join(name);
        let heading = format!("# configuration file {}:\n", name.display());
        shipped.folder.write("conf/cinema.conf", &format!("{heading}{open}")).unwrap();
        let (findings, code) = lint(&shipped.dump());
        assert!(findings.iter().any(|finding| finding["rule"] == "open-location"), "{findings:?}");
        assert_eq!(code, Some(1));
    }
}

#[test]
fn a_finding_has_the_file_and_the_line_that_an_editor_shows() {
    let shipped = Shipped::new("machine.conf");
    shipped.change("cinema.conf", "user;role=subscriber;", "user;role=Subscriber;");
    let (findings, _) = lint(&shipped.dump());
    let file = shipped.folder.join("conf/cinema.conf");
    let text = std::fs::read_to_string(&file).unwrap();
    let line = text.lines().position(|line| line.contains("role=Subscriber")).unwrap() + 1;
    let found: Vec<_> =
        findings.iter().map(|finding| (&finding["rule"], &finding["file"], &finding["line"])).collect();
    let expected = ("policy-malformed".into(), file.to_str().unwrap().into(), line.into());
    assert_eq!(found, [(&expected.0, &expected.1, &expected.2)]);
}
