//! Ways that are open on a real nginx: each line is a kind of mistake, with the rule that finds it; and beside it what is closed.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; clippy knows only the functions marked as tests"
)]

mod readings;

use lint::lint;

/// A gateway that protects the program at port 8100, with more in `http` and in its server.
fn found(http: &str, server: &str) -> Vec<&'static str> {
    let dump = format!(
        "# configuration file /etc/nginx/nginx.conf:\nhttp {{\nproxy_ignore_headers X-Accel-Redirect;\n\
         map $upstream_http_x_auth_decision $gate {{ default -refused; \"~^allow$\" \"\"; }}\n\
         upstream origin {{ server 127.0.0.1:8100; }}\nupstream other {{ server 127.0.0.1:8101; }}\n{http}\n\
         server {{\nlisten 127.0.0.1:8080;\n\
         location = /_ask {{ internal; proxy_pass http://unix:/run/ask.sock; proxy_set_header X-Auth-Policy $auth_policy; }}\n\
         location /films/ {{ set $auth_policy user; auth_request /_ask; auth_request_set $auth_gate $gate; proxy_pass http${{auth_gate}}://origin; }}\n\
         {server}\n}}\n}}\n\n"
    );
    let outcome = lint(&dump).unwrap();
    outcome.findings.into_iter().map(|finding| finding.rule).collect()
}

/// No request is in the server itself, where an `index` could lead it on.
fn without_index(server: &str) -> String {
    if server.contains("location / ") {
        server.to_owned()
    } else {
        format!("{server} location / {{ return 404; }}")
    }
}

fn has_open_way(found: &[&str]) -> bool {
    found.iter().any(|rule| rule.starts_with("open-") || *rule == "not-read")
}

#[test]
fn a_server_of_this_nginx_is_found_at_every_address_of_its_own() {
    let open = "location / {\n# open: for programs of this machine\nproxy_pass http://origin; } }";
    let chain = |number: usize| {
        format!(
            "server {{ listen 127.0.0.1:{number}; location / {{\n# open: for programs of this machine\nproxy_pass http://127.0.0.1:{}; }} }}",
            number + 1
        )
    };
    let long: String = (8200..8208).map(chain).collect();
    for (http, to, expected) in [
        (format!("server {{ listen 8208; {open}"), "127.0.0.1:8208", true),
        (format!("server {{ listen 127.0.0.1:8205-8210; {open}"), "127.0.0.1:8208", true),
        (format!("server {{ listen 127.0.0.1:8205-8210; {open}"), "127.0.0.1:8211", false),
        (format!("server {{ {open}"), "127.0.0.1", true),
        (format!("server {{ listen 8208; {open}"), "10.0.0.5:8208", true),
        (format!("server {{ listen 8208; {open}"), "cinema.internal:8208", true),
        (format!("server {{ listen 80; {open}"), "cinema.internal", false),
        (format!("{long} server {{ listen 127.0.0.1:8208; {open}"), "127.0.0.1:8200", true),
        (format!("server {{ listen unix:/run/in.sock; {open}"), "UNIX:/var/run/in.sock", true),
        (format!("server {{ listen [::0]:8208; {open}"), "10.0.0.5:8208", true),
    ] {
        let found = found(&http, &format!("location /t/ {{ proxy_pass http://{to}; }}"));
        assert_eq!(has_open_way(&found), expected, "{http} {to}: {found:?}");
    }
}

#[test]
fn a_program_behind_a_server_of_this_nginx_is_protected_too() {
    for (listen, to, expected) in [
        ("8208", "192.0.2.2:8208", true),
        ("0.0.0.0:8208", "vm:8208", true),
        ("[::0]:8208", "app.internal.:8208", true),
        ("127.0.0.1:8208", "192.0.2.2:8208", false),
    ] {
        let inner =
            format!("server {{ listen {listen}; location / {{ proxy_pass http://127.0.0.1:8104; }} }}");
        let asks = "auth_request /_ask; auth_request_set $auth_gate $gate;";
        let outer = format!("location /t/ {{ {asks} proxy_pass http${{auth_gate}}://{to}; }}");
        assert_eq!(found(&inner, &outer).contains(&"open-location"), expected, "{listen} {to}");
        let stream =
            format!("}} stream {{ server {{ listen {listen}; proxy_pass 127.0.0.1:8104; }} }} http {{");
        assert_eq!(found(&stream, &outer).contains(&"open-location"), expected, "{listen} {to}");
    }
}

/// A `stream` before the gateway brings the gateway's clients, and one before the sidecar its requests.
#[test]
fn a_stream_passes_on_what_it_gets() {
    let genres = "location /genres/ {\n# open: for all\nproxy_pass http://origin; }";
    let stream = |to: &str| format!("}} stream {{ server {{ listen 8300; {to} }} }} http {{");
    assert!(!has_open_way(&found(&stream("proxy_pass 127.0.0.1:8080;"), genres)));
    let asks = "location = /_by { internal; proxy_pass http://127.0.0.1:8300; } location /t/ { auth_request /_by; proxy_pass http://other; }";
    for (to, expected) in [
        ("proxy_pass unix:/run/ask.sock;", false),
        ("proxy_pass 127.0.0.1:8080;", true),
        ("return \"HTTP/1.1 204 No Content\";", true),
    ] {
        assert_eq!(found(&stream(to), asks).contains(&"open-self-answered"), expected, "{to}");
    }
}

/// More of the server.
const PHASES: [(&str, bool); 31] = [
    ("location /t/ { return 404; proxy_pass http://origin; }", false),
    ("location /t/ { return 404; limit_except GET { allow all; } proxy_pass http://origin; }", true),
    ("location /t/ { return 404; limit_except GET { deny all; } proxy_pass http://origin; }", false),
    ("location @o { proxy_pass http://origin; } error_page 405 @o; location / { return 404; }", true),
    ("location @o { proxy_pass http://origin; } error_page 494 @o; location / { return 404; }", true),
    ("location @o { proxy_pass http://origin; } location /t/ { error_page 413 @o; return 403; }", true),
    ("location @o { proxy_pass http://origin; } location /t/ { error_page 404 @o; return 403; }", false),
    ("location @o { proxy_pass http://origin; } location /t/ { error_page 0403 @o; return 403; }", true),
    (
        "location @o { proxy_pass http://origin; } location /t/ { error_page 301 @o; rewrite ^ /x permanent; deny all; }",
        true,
    ),
    (
        "location @o { proxy_pass http://origin; } location /t/ { error_page 301 @o; auth_request /_ask; proxy_pass http://other; }",
        true,
    ),
    ("location @o { proxy_pass http://origin; } location /t/ { try_files /x @$arg_a; }", true),
    (
        "location @o { proxy_pass http://origin; } location /t/ { error_page 418 = @$arg_a; return 418; }",
        true,
    ),
    ("location /t/a/ { internal; proxy_pass http://origin; } location /t/ { index a/b.html; }", true),
    ("location /t/a/ { internal; proxy_pass http://origin; } location /t/ { index b.html; }", false),
    ("location /t/ { internal; proxy_pass http://origin; } location = /t/ { root /var/www; }", true),
    ("location /t/ { ssi on; return 200 \"a $http_x_name\"; }", true),
    ("location /t/ { ssi on; return 200 \"a\"; }", false),
    (
        "location /i/ { internal; proxy_pass http://origin; } location /t/ { add_after_body /i/; return 200 \"a\"; }",
        true,
    ),
    ("location /i/ { internal; proxy_pass http://origin; } location /t/ { grpc_pass grpc://other; }", true),
    (
        "location /i/ { internal; proxy_pass http://origin; } location /t/ { grpc_ignore_headers X-Accel-Redirect; grpc_pass grpc://other; }",
        false,
    ),
    ("location /t/ { js_header_filter a.b; root /var/www; }", true),
    (
        "location /i/ { internal; proxy_pass http://origin; } location /t/ { proxy_ignore_headers Expires; proxy_pass http://unix:/run/ask.sock; }",
        true,
    ),
    ("stream { server { listen 8300; proxy_pass 127.0.0.1:8100; } }", true),
    ("location @o { proxy_pass http://origin; } location = /t { error_page 412 = @o; return 200 a; }", true),
    (
        "location @o { proxy_pass http://origin; } location = /t { error_page 404 412 @o; return 0200 a; }",
        true,
    ),
    ("location @o { proxy_pass http://origin; } location = /t { error_page 404 @o; return 200 a; }", false),
    (
        "location /i { internal; proxy_pass http://origin; } location /t/ { add_after_body /i; return 0200 a; }",
        true,
    ),
    (
        "location /i { internal; proxy_pass http://origin; } location /t/ { add_after_body /i; return 200; }",
        true,
    ),
    (
        "location /i { internal; proxy_pass http://origin; } location /t/ { error_page 404 =200 /p; return 404; } \
         location /p { internal; add_after_body /i; return 404 a; }",
        true,
    ),
    (
        "location /i { internal; proxy_pass http://origin; } location /t/ { add_after_body \"\"; return 200 a; }",
        false,
    ),
    (
        "location /i { internal; proxy_pass http://origin; } location = /t { post_action /i; return 204; }",
        true,
    ),
];

#[test]
fn a_phase_that_some_requests_skip_protects_nothing() {
    for (server, expected) in PHASES {
        let found = found("", &without_index(server));
        assert_eq!(has_open_way(&found), expected, "{server}: {found:?}");
    }
    let redirecting = "server { listen 8443 ssl; error_page 497 @o; return 301 /; location @o { proxy_pass http://origin; } }";
    assert!(has_open_way(&found(redirecting, "")));
}

#[test]
fn what_a_location_that_asks_falls_back_on_is_protected_too() {
    let fallback = "location /t/ { set $auth_policy user; auth_request /_ask; proxy_intercept_errors on; error_page 404 = @o; proxy_pass http://origin; } \
                    location @o { proxy_pass http://127.0.0.1:8102; }";
    assert!(!has_open_way(&found("", fallback)));
    let beside = format!("{fallback} location /u/ {{ proxy_pass http://127.0.0.1:8102; }}");
    assert!(found("", &beside).contains(&"open-location"));
}

#[test]
fn a_subrequest_brings_the_policy_of_its_location_along() {
    for (asked, sub, expected) in [
        ("anonymous", "mirror /films/;", true),
        ("user;role=subscriber", "mirror /films/;", false),
        ("user", "ssi on;", false),
        ("anonymous", "ssi on;", true),
    ] {
        let server = format!(
            "location /t/ {{ set $auth_policy {asked}; auth_request /_ask; {sub} proxy_pass http://other; }}"
        );
        let server = server.replace(&format!("$auth_policy {asked};"), &format!("$auth_policy \"{asked}\";"));
        assert_eq!(found("", &server).contains(&"open-left"), expected, "{server}");
    }
}

#[test]
fn any_2xx_opens_no_program() {
    let asks = "set $auth_policy user; auth_request /_ask; auth_request_set $auth_gate $gate;";
    for (http, content, expected) in [
        ("", "proxy_pass http${auth_gate}://origin;", false),
        ("", "proxy_pass http${auth_gate}://origin; if ($arg_a) { proxy_pass http://origin; }", true),
        ("", "proxy_pass http${auth_gate}://origin; limit_except GET { proxy_pass http://origin; }", true),
        ("", "fastcgi_pass 127.0.0.1:8100;", true),
        ("", "fastcgi_pass 127.0.0.1:8100${auth_gate};", false),
        ("", "uwsgi_pass unix:/run/app.sock$auth_gate;", false),
        ("", "uwsgi_pass origin$auth_gate;", true),
        ("", "auth_request_set $Auth_Gate \"\"; proxy_pass http${auth_gate}://origin;", true),
        ("", "set $auth_gate \"\"; proxy_pass http${auth_gate}://origin;", true),
        ("map $host $Gate { default \"\"; }", "proxy_pass http${auth_gate}://origin;", true),
    ] {
        let found = found(http, &format!("location /t/ {{ {asks} {content} }}"));
        assert_eq!(found.contains(&"decision-not-required"), expected, "{http} {content}: {found:?}");
    }
}

#[test]
fn a_declaration_hides_no_other_way() {
    let front = "location /w/ { auth_request /_ask; client_max_body_size 1k; error_page 413 /f; proxy_pass http://origin; } location = /f {\n\
                 # open: the front page\n";
    for (server, expected) in [
        (&*format!("{front} proxy_pass http://origin; }}"), false),
        (
            &*format!("{front} proxy_set_header X-Forwarded-Uri $request_uri; proxy_pass http://origin; }}"),
            true,
        ),
        (
            &*format!(
                "{front} set $page $request_uri; proxy_set_header X-Page $page; proxy_pass http://origin; }}"
            ),
            true,
        ),
        (&*format!("{front} fastcgi_param REQUEST_URI $request_uri; fastcgi_pass 127.0.0.1:8100; }}"), true),
        (&*format!("{front} fastcgi_param SCRIPT_NAME $uri; fastcgi_pass 127.0.0.1:8100; }}"), false),
        (&*format!("{front} uwsgi_param PATH_INFO $request; uwsgi_pass 127.0.0.1:8100; }}"), true),
        (
            "location /a/ {\n# open: copies\nmirror /m; proxy_pass http://other; } location = /m { internal; auth_request /_ask; proxy_pass http://origin; }",
            false,
        ),
        (
            "location /a/ {\n# open: copies\nmirror /m; proxy_pass http://other; } location /b/ { mirror /m; proxy_pass http://other; } \
             location = /m { internal; auth_request /_ask; proxy_pass http://origin; }",
            true,
        ),
        ("location /t {\n# open: posters\nproxy_pass http://origin/public/; }", true),
        (
            "location ~ ^/t/ {\n# open: posters\nproxy_pass http://origin; } location ~ ^/t/p/ { auth_request /_ask; proxy_pass http://origin; }",
            true,
        ),
        ("location /t/ {\n# open: files alone\nssi on; root /srv; }", false),
        ("location /t/ {\n# open: for all\nproxy_pass http://origin; }", false),
        ("location /t/ {\n# open: 8080, 8443\nproxy_pass http://origin; }", true),
        ("location /t/ {\n# open: is it meant to be?\nproxy_pass http://origin; }", true),
        ("location /t/ {\nproxy_pass http://origin; # open: close again\n}", true),
        ("location ~ [.]jpg$ {\n# open: posters\nproxy_pass http://origin; }", true),
        ("location /t/ {\n# open: pages\nssi on; proxy_pass http://origin; }", true),
        (
            "location /t/ {\n# open: with the key\nif ($http_x_key != a) { return 403; } limit_except GET { allow all; } proxy_pass http://origin; }",
            true,
        ),
        (
            "error_page 401 /t; location = /t {\n# open: sign-in\nproxy_pass http://origin$request_uri; } location /u/ { auth_request /_ask; proxy_pass http://origin; }",
            true,
        ),
        (
            "error_page 401 /t; location = /t {\n# open: sign-in\nproxy_pass http://origin; } location /u/ { auth_request /_ask; proxy_pass http://origin; }",
            false,
        ),
    ] {
        let found = found("", server);
        assert_eq!(has_open_way(&found), expected, "{server}: {found:?}");
    }
}
