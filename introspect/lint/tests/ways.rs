//! Ways that are open on a real nginx: each line is a kind of mistake, with the rule that finds it; and beside it what is closed.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; clippy knows only the functions marked as tests"
)]

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

fn has_open_way(found: &[&str]) -> bool {
    found.iter().any(|rule| rule.starts_with("open-") || *rule == "not-read")
}

/// Each is a location's content, with more of `http` before the bar.
const VARIABLES: [(&str, bool); 22] = [
    ("| set $to other; proxy_pass http://$to;", false),
    ("| set $to other; if ($arg_a) { set $To origin; } proxy_pass http://$to;", true),
    ("map $host $to { default origin; } | proxy_pass http://$to;", true),
    (
        "map $host $to { default origin; } | limit_except GET { allow all; } set $to other; proxy_pass http://$to;",
        true,
    ),
    ("map $host $to { default origin; } | set $to other; proxy_pass http://$to;", false),
    ("map $host $to { default origin; } map $host $TO { default other; } | proxy_pass http://$to;", true),
    ("| if ($http_to = \"\") { set $http_to other; } proxy_pass http://$http_to;", true),
    ("| set $args other; proxy_pass http://$args;", true),
    ("| set $to other; if ($arg_a ~ \"^(?<to>.+)$\") { break; } proxy_pass http://$to;", true),
    ("map $arg_a $b { \"~^(?<to>.+)$\" 1; } | set $to other; proxy_pass http://$to;", true),
    ("map $uri $uri_to { default origin; } | proxy_pass http://$uri_to;", true),
    ("| proxy_pass http:/$request_uri;", true),
    ("| proxy_pass http://other$request_uri;", false),
    ("| proxy_pass http://other$uri$is_args$args;", false),
    ("| rewrite ^/t/(.*)$ $1 break; proxy_pass http://$uri;", true),
    ("| set $to \"127.0.0.1:8100?a=b\"; proxy_pass http://$to;", true),
    ("| set $to unix:; proxy_pass http://$to/run/origin.sock;", true),
    ("js_set $to a.b; | proxy_pass http://other;", true),
    ("| proxy_pass http://other; scgi_pass 127.0.0.1:8100;", true),
    ("| proxy_pass http://ORIGIN;", true),
    ("geo $to { default other; 10.0.0.0/8 origin; } | proxy_pass http://$to;", true),
    ("| break; set $to other; proxy_pass http://$to;", false),
];

#[test]
fn an_address_is_known_only_if_nothing_else_sets_it() {
    for (case, expected) in VARIABLES {
        let (http, content) = case.split_once('|').unwrap();
        let found = found(http, &format!("location /t/ {{ {content} }}"));
        assert_eq!(has_open_way(&found), expected, "{case}: {found:?}");
    }
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
    ] {
        let found = found(&http, &format!("location /t/ {{ proxy_pass http://{to}; }}"));
        assert_eq!(has_open_way(&found), expected, "{http} {to}: {found:?}");
    }
}

/// More of the server.
const PHASES: [(&str, bool); 23] = [
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
];

#[test]
fn a_phase_that_some_requests_skip_protects_nothing() {
    for (server, expected) in PHASES {
        let found = found("", server);
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
    for (server, expected) in [
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
