//! More parts of the grammar: phases that some requests skip, and variables whose value is not what one location says.

use std::fmt::Write as _;

use crate::grammar::{Grammar, SOCKET};
use crate::programs::address;

impl Grammar<'_> {
    /// A location that only returns, but not for the methods of its `limit_except`.
    pub(crate) fn excepted(&mut self) -> String {
        let (path, asks, pass) = (self.path(), self.sometimes_asks(30), self.pass());
        let status = self.random.pick(&["403", "404"]);
        format!("location {path} {{\n{asks}return {status};\nlimit_except GET {{ allow all; }}\n{pass}}}\n")
    }

    /// A location that only returns, and whose body is too large before.
    pub(crate) fn too_large(&mut self) -> String {
        let path = self.path();
        let (name, block) = self.inner_location();
        let (codes, new) =
            (self.random.pick(&["413", "0413", "404 413", "404"]), self.random.pick(&["", "= ", "=200 "]));
        format!(
            "location {path} {{\nclient_max_body_size 1k;\nerror_page {codes} {new}{name};\nreturn 403;\n}}\n{block}"
        )
    }

    /// A page for a redirect, which comes before the address is checked.
    pub(crate) fn moved(&mut self) -> String {
        let path = self.path();
        let (name, block) = self.inner_location();
        let (flag, code) =
            (self.random.pick(&["permanent", "redirect"]), self.random.pick(&["301", "302", "0301"]));
        format!(
            "location {path} {{\ndeny all;\nrewrite ^ /moved {flag};\nerror_page {code} {name};\n}}\n{block}"
        )
    }

    /// The body of a `return` that includes another path.
    pub(crate) fn included_by_text(&mut self) -> String {
        let path = self.path();
        let (name, block) = self.internal_location();
        let text = match self.random.below(2) {
            0 => format!("'<!--# include virtual=\"{name}\" -->'"),
            _ => "$http_x_text".to_owned(),
        };
        format!("location {path} {{\nssi on;\ndefault_type text/html;\nreturn 200 {text};\n}}\n{block}")
    }

    /// A named location that a variable names.
    pub(crate) fn named_by_variable(&mut self) -> String {
        let path = self.path();
        let (name, block) = self.named_location();
        let bare = name.trim_start_matches('@');
        let _ = writeln!(self.http, "map $http_x_other $to_{bare} {{ default {bare}; }}");
        let line = match self.random.below(2) {
            0 => format!("error_page 418 = @$to_{bare};\nreturn 418;"),
            _ => format!("try_files /none @$to_{bare};"),
        };
        format!("location {path} {{\n{line}\n}}\n{block}")
    }

    /// A variable that has another value than its location seems to give it.
    pub(crate) fn by_variable(&mut self) -> String {
        let (path, asks, way) = (self.path(), self.sometimes_asks(30), self.ways);
        self.ways += 1;
        let (to, other) =
            (format!("{}:{}", address(way), self.ports.origin), format!("127.0.0.1:{}", self.ports.other));
        let mut beside = String::new();
        let (set, name) = match self.random.below(6) {
            0 => {
                let name = format!("http_to{way}");
                (format!("if (${name} = \"\") {{ set ${name} {other}; }}"), name)
            }
            1 => {
                let _ = writeln!(self.http, "map $host $two{way} {{ default {to}; }}");
                beside = format!("location {} {{ set $two{way} {other}; return 404; }}\n", self.path());
                (String::new(), format!("two{way}"))
            }
            2 => (format!("set $case{way} {other};\nset $CASE{way} {to};"), format!("Case{way}")),
            3 => (format!("set $query{way} \"{to}?a=b\";"), format!("query{way}")),
            4 => {
                let capture = format!("if ($http_to{way} ~ \"^(?<cap{way}>.+)$\") {{ break; }}");
                (format!("set $cap{way} {other};\n{capture}"), format!("cap{way}"))
            }
            _ => {
                let _ = writeln!(self.http, "map $host $but{way} {{ default {to}; }}");
                (format!("set $but{way} {other};\nlimit_except GET {{ allow all; }}"), format!("but{way}"))
            }
        };
        format!("location {path} {{\n{asks}{set}\nproxy_pass http://${name}; # way {way}\n}}\n{beside}")
    }

    /// A URI that nginx takes as it is written, also where it looks like a query or a name.
    pub(crate) fn plain_uri(&mut self) -> String {
        let (path, other, pass) = (self.path(), self.pass_elsewhere(), self.pass());
        self.names += 1;
        let number = self.names;
        let (uri, line) = match self.random.below(4) {
            0 => (format!("@q{number}"), "mirror"),
            1 => (format!("/q{number}?a=1"), "mirror"),
            2 => (format!("/q{number}?1"), "post_action"),
            _ => (format!("/q{number}?1"), "index"),
        };
        let place = self.random.pick(&["= \"URI\"", "~ \"q[0-9]*[?a=1]*$\""]).replace("URI", &uri);
        let program = if line == "index" { "" } else { &other };
        format!(
            "location {path} {{\n{line} \"{uri}\";\n{program}}}\nlocation {place} {{\ninternal;\n{pass}}}\n"
        )
    }

    /// A `return` with a condition of the client that does not hold.
    pub(crate) fn preconditioned(&mut self) -> String {
        let (path, protected, asks, way) = (self.path(), self.path(), self.asks(), self.ways);
        self.ways += 1;
        let codes = self.random.pick(&["412", "0412", "404 412", "404"]);
        let answer = self.random.pick(&["200 a", "0200 a", "200", "403"]);
        // Only at a socket does the program get the request before nginx ends it.
        let pass = format!("proxy_set_header X-Via {way};\nproxy_pass http://unix:{SOCKET}; # way {way}");
        format!(
            "location {path} {{\nerror_page {codes} = @condition{way};\nreturn {answer};\n}}\n\
             location @condition{way} {{\n{pass}\n}}\n\
             location {protected} {{\n{asks}proxy_pass http://unix:{SOCKET};\n}}\n"
        )
    }

    /// A body that another one is added to, whatever the status of its `return`.
    pub(crate) fn returned_body(&mut self) -> String {
        if !self.modules.addition {
            return String::new();
        }
        let path = self.path();
        let (name, block) = self.internal_location();
        self.names += 1;
        let page = format!("/page{}", self.names);
        let answer = self.random.pick(&["0200 a", "200", "404 a", "201 a"]);
        let filtered = format!("default_type text/html;\nadd_after_body {name};\nreturn {answer};");
        format!(
            "location {path} {{\nerror_page 404 =200 {page};\nreturn 404;\n}}\nlocation = {page} {{\ninternal;\n{filtered}\n}}\n{block}"
        )
    }

    /// A path of other bytes than printable ASCII, for a regular expression.
    pub(crate) fn bytes(&mut self) -> String {
        let (path, pass) = (self.path(), self.pass());
        self.names += 1;
        let begin = format!("/b{}", self.names);
        let refused = |regex: &str| {
            format!(
                "location {regex} {{\ninternal;\nreturn 404;\n}}\nlocation {begin}/ {{\ninternal;\n{pass}}}\n"
            )
        };
        let (uri, block) = match self.random.below(4) {
            0 => ("é", format!("location ~ ^{begin}/..$ {{\ninternal;\n{pass}}}\n")),
            1 => ("x\\n", format!("location ~ ^{begin}/x$ {{\ninternal;\n{pass}}}\n")),
            2 => ("é", refused(&format!("~ ^{begin}/\\w$"))),
            _ => ("ſ", refused(&format!("~* ^{begin}/s$"))),
        };
        format!("location {path} {{\nrewrite ^ \"{begin}/{uri}\" last;\n}}\n{block}")
    }
}
