//! How the addresses of programs and the URIs inside of nginx are read.

use crate::{found, has_open_way, without_index};

/// Each is a location's content, with more of `http` before the bar.
const VARIABLES: [(&str, bool); 37] = [
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
    ("| set $to unix:; proxy_pass http://$to/run/origin.sock;", false),
    ("js_set $to a.b; | proxy_pass http://other;", true),
    ("| proxy_pass http://other; scgi_pass 127.0.0.1:8100;", true),
    ("| proxy_pass http://ORIGIN;", true),
    ("geo $to { default other; 10.0.0.0/8 origin; } | proxy_pass http://$to;", true),
    ("| break; set $to other; proxy_pass http://$to;", false),
    ("| proxy_pass http://127.0.0.1$is_args:8100/;", true),
    ("| proxy_pass http://ori${is_args}gin;", true),
    ("| proxy_pass http://other$is_args$args;", false),
    ("| set $p \"http:/\"; proxy_pass $p/127.0.0.1:8100;", true),
    ("map $host $p { default \"http:/\"; } | proxy_pass $p/127.0.0.1:8101;", false),
    ("| set $uri_x \":8100/a\"; rewrite ^ $uri_x break; proxy_pass http://127.0.0.1$uri;", true),
    ("upstream httpd { server 127.0.0.1:8100; } | rewrite ^ httpd/x break; proxy_pass http://$uri;", true),
    ("| rewrite ^ /x break; proxy_pass http://other$uri;", false),
    ("upstream 127.0.0.1:8100 { server 127.0.0.1:8101; } | proxy_pass http://127.0.0.1:8100;", true),
    ("upstream 127.0.0.2:8102 { server 127.0.0.1:8100; } | proxy_pass http://127.0.0.2:8102;", true),
    (
        "upstream /run/x.sock { server 127.0.0.1:8100; } | set $n x; proxy_pass http://unix:/run/$n.sock;",
        true,
    ),
    ("upstream app { server 127.0.0.1 service=http resolve; } | proxy_pass http://app;", true),
    ("geo $to { ranges; default other; include big.conf; } | proxy_pass http://$to;", true),
    ("| proxy_pass http$arg_a://other;", true),
    (
        "upstream of { server unix:/run/of.sock; } server { location /o/ { auth_request /_ask; auth_request_set $auth_gate $gate; \
         proxy_pass http${auth_gate}://of; } location = /_ask { internal; proxy_pass http://unix:/run/ask.sock; } } | \
         proxy_pass http://unix:of.sock:;",
        true,
    ),
];

#[test]
fn an_address_is_known_only_if_nothing_else_sets_it() {
    for (case, expected) in VARIABLES {
        let (http, content) = case.split_once('|').unwrap();
        let found = found(http, &format!("location /t/ {{ {content} }}"));
        assert_eq!(has_open_way(&found), expected, "{case}: {found:?}");
    }
}

/// More of the server, where no response leads on and `/i` is internal.
const URIS: [(&str, bool); 25] = [
    (
        "location /t/ { rewrite ^ /i/ break; index a.html; root /srv; } location /i/a { internal; ORIGIN }",
        true,
    ),
    (
        "location /t/ { try_files /i/ =404; index a.html; root /srv; } location ~ ^/i/a { internal; ORIGIN }",
        true,
    ),
    (
        "location /t/ { try_files $uri $uri/ =404; index a.html; root /srv; } location /i/a { internal; ORIGIN }",
        false,
    ),
    ("location /t/ { index a.html; root /srv; } location ~ ^/i/a { internal; ORIGIN }", false),
    (
        "location /t/ { mirror \"/m?1\"; proxy_pass http://other; } location = \"/m?1\" { internal; ORIGIN }",
        true,
    ),
    ("location /t/ { mirror \"/m?1\"; proxy_pass http://other; } location = /m { internal; ORIGIN }", false),
    (
        "location /t/ { mirror \"/m?1\"; proxy_pass http://other; } location ~ \"^/m\\?\" { internal; ORIGIN }",
        true,
    ),
    ("location /t/ { mirror @x; proxy_pass http://other; } location = @x { internal; ORIGIN }", true),
    ("location /t/ { mirror @x; proxy_pass http://other; } location @x { ORIGIN }", false),
    (
        "location /t/ { post_action \"/m?1\"; proxy_pass http://other; } location = \"/m?1\" { internal; ORIGIN }",
        true,
    ),
    ("location /t/ { post_action m; proxy_pass http://other; } location ~ m { internal; ORIGIN }", false),
    ("location /t/ { index \"/m?1\"; } location = \"/m?1\" { internal; ORIGIN }", true),
    ("location /t/ { index \"/m?1$arg_a\"; } location = \"/m?1\" { internal; ORIGIN }", true),
    ("location /t/ { set $start /i; index $start; } location = /i { internal; ORIGIN }", true),
    ("location /t/ { add_after_body @x; root /a; } location ~ x$ { internal; ORIGIN }", true),
    ("location /t/ { rewrite ^ @x last; } location ~ x$ { internal; ORIGIN }", true),
    ("location /t/ { rewrite ^ $Scheme/x last; } location ~ ^https?/x$ { internal; ORIGIN }", true),
    (
        "location /t/ { rewrite ^ $scheme://x last; return 404; } location ~ ^https?/x$ { internal; ORIGIN }",
        false,
    ),
    ("location /t/ { error_page 418 /i?1; return 418; } location = /i { internal; ORIGIN }", true),
    ("location /t/ { rewrite ^ /i/é last; } location ~ ^/i/..$ { internal; ORIGIN }", true),
    ("location /t/ { rewrite ^ \"/i/x\n\" last; } location ~ ^/i/x$ { internal; ORIGIN }", true),
    (
        "location /t/ { rewrite ^ /i/é last; } location ~ ^/i/\\w$ { internal; return 404; } location /i/ { internal; ORIGIN }",
        true,
    ),
    (
        "location /t/ { rewrite ^ /i/ſ last; } location ~* ^/i/s$ { internal; return 404; } location /i/ { internal; ORIGIN }",
        true,
    ),
    ("location /t/ { rewrite ^ /i/a last; } location ~ ^/i/..$ { internal; ORIGIN }", false),
    (
        "location /t/ { mirror \":8100/x\"; proxy_pass http://other; } location ~ ^:8100 { internal; proxy_pass http://127.0.0.1$uri; }",
        true,
    ),
];

#[test]
fn a_uri_is_read_as_each_directive_reads_it() {
    for (server, expected) in URIS {
        let found = found("", &without_index(&server.replace("ORIGIN", "proxy_pass http://origin;")));
        assert_eq!(has_open_way(&found), expected, "{server}: {found:?}");
    }
}

#[test]
fn a_response_that_leads_anywhere_makes_any_uri() {
    let location = "location /x/ { proxy_ignore_headers Expires; proxy_pass http://other; } \
                    location ~ ^:8100 { internal; proxy_pass http://127.0.0.1$uri; }";
    assert!(has_open_way(&found("", location)));
}
