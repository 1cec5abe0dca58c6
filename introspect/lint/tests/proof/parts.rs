//! The parts of the grammar: each is a mistake that an operator could make, or could have avoided.

use std::fmt::Write as _;

use crate::grammar::{Grammar, OTHER_HOST};
use crate::programs::address;

impl Grammar<'_> {
    pub(crate) fn open_location(&mut self) -> String {
        let modifier = self.random.pick(&["", "^~ ", "= "]);
        let (path, pass) = (self.path(), self.pass_with_path());
        format!("location {modifier}{path} {{\n{pass}}}\n")
    }

    /// Another server at the address of the first one: the name in the request decides.
    pub(crate) fn named_host(&mut self) -> String {
        let (settings, path, pass) = (self.sometimes_asks(50), self.path(), self.pass_with_path());
        let (inner, auth) = (self.sometimes_asks(30), self.auth());
        let names = self.random.pick(&[OTHER_HOST, "~^other", "*.example", "other.* x.example"]);
        let listen = self.ports.listen[0];
        let _ = writeln!(
            self.http,
            "server {{\nlisten 127.0.0.1:{listen};\nserver_name {names};\n{auth}{settings}location {path} {{\n{inner}{pass}}}\n}}"
        );
        String::new()
    }

    pub(crate) fn nested(&mut self) -> String {
        let (path, outer, pass) = (self.path(), self.sometimes_asks(70), self.pass());
        let (inner, inner_pass) = (self.sometimes_asks(30), self.pass());
        let modifier = self.random.pick(&["", "^~ ", "= "]);
        let inner_path = format!("{path}in/");
        self.paths.push(inner_path.clone());
        format!(
            "location {path} {{\n{outer}{pass}location {modifier}{inner_path} {{\n{inner}{inner_pass}}}\n}}\n"
        )
    }

    pub(crate) fn rewritten(&mut self) -> String {
        let (path, asks) = (self.path(), self.sometimes_asks(70));
        let (name, block) = self.internal_location();
        let rewrite = match self.random.below(4) {
            0 => format!("rewrite ^ {name} last;"),
            1 => format!("rewrite ^{path}(.*)$ {name}$1;"),
            2 => format!("if ({}) {{ rewrite ^ {name} last; }}", self.condition()),
            _ => format!("rewrite ^ {name} break;"),
        };
        let pass = self.pass();
        format!("location {path} {{\n{asks}{rewrite}\n{pass}}}\n{block}")
    }

    pub(crate) fn conditional(&mut self) -> String {
        let (path, asks, condition) = (self.path(), self.sometimes_asks(40), self.condition());
        let (pass, other) = (self.pass(), self.pass_elsewhere());
        let then = self.random.pick(&["", "break;\n", "set $x 1;\n"]);
        format!("location {path} {{\n{asks}if ({condition}) {{\n{then}{pass}}}\n{other}}}\n")
    }

    pub(crate) fn ended(&mut self) -> String {
        let (path, asks, pass) = (self.path(), self.sometimes_asks(30), self.pass());
        let condition = self.condition();
        let first = match self.random.below(3) {
            0 => "break;".to_owned(),
            1 => format!("if ({condition}) {{ break; }}"),
            _ => format!("rewrite ^{path}(.*)$ /x/$1 break;"),
        };
        format!("location {path} {{\n{first}\n{asks}return 403;\n{pass}}}\n")
    }

    pub(crate) fn by_method(&mut self) -> String {
        let (path, asks, pass, other) =
            (self.path(), self.sometimes_asks(40), self.pass(), self.pass_elsewhere());
        format!("location {path} {{\n{asks}limit_except GET {{\n{pass}}}\n{other}}}\n")
    }

    pub(crate) fn satisfied(&mut self) -> String {
        let (path, asks, pass) = (self.path(), self.asks(), self.pass());
        let (satisfy, allow) =
            (self.random.pick(&["any", "ANY", "all"]), self.random.pick(&["127.0.0.1", "all", "10.0.0.1"]));
        let deny = self.random.pick(&["deny all;\n", ""]);
        format!("location {path} {{\n{asks}satisfy {satisfy};\nallow {allow};\n{deny}{pass}}}\n")
    }

    pub(crate) fn refused(&mut self) -> String {
        let (path, asks, pass) = (self.path(), self.asks(), self.pass());
        let (name, block) = self.inner_location();
        let (codes, new) =
            (self.random.pick(&["401", "401 403 500", "404", "405"]), self.random.pick(&["", "= ", "=200 "]));
        format!("location {path} {{\n{asks}error_page {codes} {new}{name};\n{pass}}}\n{block}")
    }

    pub(crate) fn tried(&mut self) -> String {
        let (path, asks) = (self.path(), self.sometimes_asks(50));
        let (name, block) = self.inner_location();
        format!("location {path} {{\n{asks}try_files /none {name};\n}}\n{block}")
    }

    pub(crate) fn indexed(&mut self) -> String {
        let (path, asks) = (self.path(), self.sometimes_asks(30));
        let (name, block) = self.internal_location();
        let index = match self.random.below(2) {
            0 => format!("index {name};"),
            _ => format!("set $start {name};\nindex $start;"),
        };
        format!("location {path} {{\n{asks}{index}\n}}\n{block}")
    }

    pub(crate) fn redirected_by_program(&mut self) -> String {
        let (path, asks, other) = (self.path(), self.sometimes_asks(30), self.pass_elsewhere());
        let ignored = self
            .random
            .pick(&["proxy_ignore_headers Expires;\n", "proxy_ignore_headers x-accel-redirect;\n"]);
        let (_, block) = self.inner_location();
        format!("location {path} {{\n{asks}{ignored}{other}}}\n{block}")
    }

    pub(crate) fn mirrored(&mut self) -> String {
        let (path, asks, other) = (self.path(), self.sometimes_asks(20), self.pass_elsewhere());
        let to = self.known_path();
        format!("location {path} {{\n{asks}mirror {to};\n{other}}}\n")
    }

    pub(crate) fn added(&mut self) -> String {
        if !self.modules.addition {
            return String::new();
        }
        let (path, asks, other, to) =
            (self.path(), self.sometimes_asks(20), self.pass_elsewhere(), self.known_path());
        let name = self.random.pick(&["add_before_body", "add_after_body"]);
        format!("location {path} {{\n{asks}{name} {to};\n{other}}}\n")
    }

    pub(crate) fn included(&mut self) -> String {
        let (path, asks, other) = (self.path(), self.sometimes_asks(20), self.pass_elsewhere());
        format!("location {path} {{\n{asks}ssi {};\n{other}}}\n", self.random.pick(&["on", "On", "off"]))
    }

    pub(crate) fn acted_after(&mut self) -> String {
        let (path, asks, other) = (self.path(), self.sometimes_asks(50), self.pass_elsewhere());
        let (name, block) = self.inner_location();
        format!("location {path} {{\n{asks}post_action {name};\n{other}}}\n{block}")
    }

    /// A path that the configuration has already.
    pub(crate) fn known_path(&mut self) -> String {
        let all: Vec<_> =
            self.paths.iter().chain(self.inner.iter().filter(|name| !name.starts_with('@'))).collect();
        all[self.random.below(all.len())].clone()
    }

    pub(crate) fn answered_by_nginx(&mut self) -> String {
        self.names += 1;
        let (name, path, pass) = (format!("/_self{}", self.names), self.path(), self.pass());
        let sidecar = format!("proxy_pass http://127.0.0.1:{};", self.ports.sidecar);
        let inside = match self.random.below(7) {
            0 => "return 204;".to_owned(),
            4 => format!("{sidecar} try_files /none =204;"),
            5 => format!("{sidecar} empty_gif;"),
            6 => format!("error_page 401 =0 /_self{}/b; proxy_intercept_errors on; {sidecar}", self.names),
            1 => format!("if ({}) {{ return 200; }} {sidecar}", self.condition()),
            2 => format!(
                "error_page 401 =200 /none; proxy_intercept_errors {}; {sidecar}",
                self.random.pick(&["on", "ON", "off"])
            ),
            _ => format!("rewrite ^ /_self{}/b last; {sidecar}", self.names),
        };
        let inner = format!("location = /_self{}/b {{ internal; return 204; }}\n", self.names);
        format!(
            "location = {name} {{ internal; {inside} }}\n{inner}location {path} {{\nauth_request {name};\n{pass}}}\n"
        )
    }

    pub(crate) fn asking_the_origin(&mut self) -> String {
        self.names += 1;
        let (name, path) = (format!("/_origin{}", self.names), self.path());
        let (asked, pass) = (self.pass(), self.pass());
        format!(
            "location = {name} {{\ninternal;\n{asked}}}\nlocation {path} {{\nauth_request {name};\n{pass}}}\n"
        )
    }

    /// A location whose program is the second server, where the origin is behind.
    pub(crate) fn chained(&mut self) -> String {
        let (path, way) = (self.path(), self.ways);
        self.ways += 1;
        let pass = self.pass();
        let _ = writeln!(self.servers[1], "location {path} {{\n{pass}}}");
        let asks = self.sometimes_asks(30);
        let _ = writeln!(
            self.servers[0],
            "location {path} {{\n{asks}proxy_set_header X-Via {way};\nproxy_pass http://127.0.0.1:{}; # way {way}\n}}",
            self.ports.listen[1]
        );
        String::new()
    }

    pub(crate) fn streamed(&mut self) -> String {
        if self.modules.stream && self.stream.is_empty() {
            let way = self.ways;
            self.ways += 1;
            self.stream = format!("proxy_pass {}:{}; # way {way}\n", address(way), self.ports.origin);
        }
        String::new()
    }

    pub(crate) fn regex(&mut self) -> String {
        let (asks, pass) = (self.sometimes_asks(50), self.pass());
        let regex = self.random.pick(&["x$", "^/(?!p1)", "/in/", "^/p[0-9]*[02468]/", "^/i"]);
        let case = self.random.pick(&["~", "~*"]);
        format!("location {case} {regex} {{\n{asks}{pass}}}\n")
    }

    pub(crate) fn closed(&mut self) -> String {
        let (path, pass) = (self.path(), self.pass());
        let (name, block) = self.inner_location();
        let page = if self.random.chance(50) { format!("error_page 403 {name};\n") } else { String::new() };
        format!("location {path} {{\ndeny all;\n{page}{pass}}}\n{block}")
    }

    pub(crate) fn limited(&mut self) -> String {
        let (path, asks, pass) = (self.path(), self.asks(), self.pass());
        let (name, block) = self.inner_location();
        let code = self.random.pick(&["404", "418", "502"]);
        let code = if code == "418" { "429" } else { code };
        format!(
            "location {path} {{\n{asks}limit_req zone=one;\nlimit_req_status {};\nerror_page {code} {name};\n{pass}}}\n{block}",
            if code == "429" { "429" } else { "503" }
        )
    }

    pub(crate) fn matched_before(&mut self) -> String {
        let (path, condition) = (self.path(), self.condition());
        let (name, block) = self.internal_location();
        let flag = self.random.pick(&["last", "break"]);
        format!("if ({condition}) {{ rewrite ^{path} {name} {flag}; }}\n{block}")
    }
}
