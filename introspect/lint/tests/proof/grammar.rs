//! Configurations of a gateway, made by chance: only nginx shows what is open in them.

use std::fmt::Write as _;

use crate::programs::address;
use crate::random::Random;

/// A name that not every server has.
pub(crate) const OTHER_HOST: &str = "other.example";

/// Stands for the path of the origin's socket.
pub(crate) const SOCKET: &str = "/SOCKET";

/// The ports that a configuration uses.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) origin: u16,
    pub(crate) other: u16,
    pub(crate) sidecar: u16,
    /// Where the gateway listens: its first server, its second, and one for `stream`.
    pub(crate) listen: [u16; 3],
}

/// The modules that not every nginx has.
#[derive(Clone, Copy)]
pub(crate) struct Modules {
    pub(crate) stream: bool,
    pub(crate) addition: bool,
}

/// A generated configuration, and what a client should try.
pub(crate) struct Generated {
    pub(crate) text: String,
    /// Paths that locations match.
    pub(crate) paths: Vec<String>,
    /// Where a program's response may lead: internal paths and named locations.
    pub(crate) inner: Vec<String>,
    /// Headers that name the origin by the address of each way.
    pub(crate) headers: String,
}

pub(crate) struct Grammar<'r> {
    pub(crate) random: &'r mut Random,
    pub(crate) ports: Ports,
    pub(crate) modules: Modules,
    pub(crate) http: String,
    pub(crate) servers: [String; 2],
    pub(crate) stream: String,
    pub(crate) ways: usize,
    pub(crate) names: usize,
    pub(crate) paths: Vec<String>,
    pub(crate) inner: Vec<String>,
}

/// How many parts a configuration has, besides one protected location.
const PARTS: usize = 5;

/// How many of them come in turn.
const IN_TURN: usize = 3;

/// How many kinds of parts there are.
const KINDS: usize = 35;

impl<'r> Grammar<'r> {
    pub(crate) fn new(random: &'r mut Random, ports: Ports, modules: Modules) -> Self {
        Self {
            random,
            ports,
            modules,
            http: String::new(),
            servers: [String::new(), String::new()],
            stream: String::new(),
            ways: 0,
            names: 0,
            paths: Vec::new(),
            inner: Vec::new(),
        }
    }

    /// The configuration of a turn: each part of the grammar has its turn, and others come by chance.
    pub(crate) fn generate(mut self, turn: usize) -> Generated {
        // Otherwise every open way to a program would open each inner location, because the programs lead wherever clients say.
        if self.random.chance(75) {
            self.http.push_str("proxy_ignore_headers X-Accel-Redirect;\n");
        }
        if self.random.chance(5) {
            self.http.push_str("auth_request /_auth;\n");
        }
        let first = self.protected_location();
        self.servers[0].push_str(&first);
        for number in 0..PARTS {
            let kind = if number < IN_TURN {
                (turn + number * KINDS / IN_TURN) % KINDS
            } else {
                self.random.below(KINDS)
            };
            let part = self.part(kind);
            let server = usize::from(self.random.chance(15));
            self.servers[server].push_str(&part);
        }
        for server in 0..2 {
            let settings = self.settings();
            self.servers[server].insert_str(0, &settings);
        }
        self.finish()
    }

    fn finish(self) -> Generated {
        let [first, second, third] = self.ports.listen;
        let auth = self.auth();
        let mut text = String::from(
            "worker_processes 1;\nerror_log stderr emerg;\nevents { worker_connections 512; }\nhttp {\naccess_log off;\nlimit_req_zone $binary_remote_addr zone=one:32k rate=1r/m;\n",
        );
        text.push_str(&self.http);
        for (port, server) in [first, second].into_iter().zip(&self.servers) {
            let default = if port == first { " default_server" } else { "" };
            let _ = writeln!(text, "server {{\nlisten 127.0.0.1:{port}{default};\n{auth}{server}}}");
        }
        text.push_str("}\n");
        if !self.stream.is_empty() {
            let _ = writeln!(text, "stream {{ server {{ listen 127.0.0.1:{third};\n{}}} }}", self.stream);
        }
        let header = |way| format!("To{way}: {}:{}\r\n", address(way), self.ports.origin);
        let headers = (0..self.ways).map(header).collect();
        Generated { text, paths: self.paths, inner: self.inner, headers }
    }

    /// The location of the subrequest.
    pub(crate) fn auth(&self) -> String {
        format!(
            "location = /_auth {{ internal; proxy_pass http://127.0.0.1:{}; proxy_pass_request_body off; proxy_set_header Content-Length \"\"; }}\n",
            self.ports.sidecar
        )
    }

    /// Settings of a whole server.
    fn settings(&mut self) -> String {
        let mut text = String::new();
        if self.random.chance(15) {
            text.push_str("auth_request /_auth;\n");
        }
        if self.random.chance(15) {
            text.push_str("client_max_body_size 1k;\n");
        }
        if self.random.chance(20) {
            let to = self.inner_location();
            let (name, block) = to;
            let codes = self.random.pick(&["401", "401 403", "0404", "413", "500", "404 502", "405"]);
            let _ = writeln!(
                text,
                "error_page {codes} {}{name};\n{block}",
                self.random.pick(&["", "= ", "=200 "])
            );
        }
        if self.random.chance(12) {
            let (name, block) = self.internal_location();
            let flag = self.random.pick(&["last", "break", ""]);
            let path = self.path();
            let _ = writeln!(text, "rewrite ^{path} {name} {flag};\n{block}");
        }
        if self.random.chance(8) {
            let _ = writeln!(
                text,
                "satisfy {};\nallow {};\n",
                self.random.pick(&["any", "Any", "all"]),
                self.random.pick(&["127.0.0.1", "10.0.0.1"])
            );
        }
        text
    }

    pub(crate) fn path(&mut self) -> String {
        self.names += 1;
        let path = format!("/p{}/", self.names);
        self.paths.push(path.clone());
        path
    }

    /// A line that leads to the origin.
    pub(crate) fn pass(&mut self) -> String {
        let way = self.ways;
        self.ways += 1;
        let (host, port) = (address(way), self.ports.origin);
        let to = match self.random.below(10) {
            0 => {
                let _ = writeln!(self.http, "upstream u{way} {{ server {host}:{port}; }}");
                format!("http://{}{way}", self.random.pick(&["u", "U"]))
            }
            1 => {
                let _ =
                    writeln!(self.http, "map $http_x_other $m{way} {{ default {host}; none 127.0.0.1; }}");
                format!("http://$m{way}:{port}")
            }
            2 => format!("http://$gate{host}:{port}$request_uri").replace("$gate", ""),
            3 => {
                let _ = writeln!(self.http, "map $http_x_other $g{way} {{ default \"\"; none -refused; }}");
                format!("http${{g{way}}}://{host}:{port}")
            }
            4 => {
                let _ =
                    writeln!(self.http, "map $http_x_other $s{way} {{ default \"http:/\"; none https:/; }}");
                format!("$s{way}/{host}:{port}")
            }
            5 => {
                let other = self.ports.other;
                let _ = writeln!(self.http, "upstream {host}:{port} {{ server 127.0.0.1:{other}; }}");
                format!("http://{host}:{port}")
            }
            6 => format!("http://{host}$is_args:{port}"),
            _ => format!("http://{host}:{port}"),
        };
        format!("proxy_pass {to}; # way {way}\n")
    }

    /// A line that leads to the origin, sometimes with a path in place of the client's. nginx takes it only in a location of its own.
    pub(crate) fn pass_with_path(&mut self) -> String {
        if self.random.chance(60) {
            return self.pass();
        }
        let (way, path) = (self.ways, self.random.pick(&["/", "/x", "/x?a=1", "/$host", "$uri"]));
        self.ways += 1;
        format!("proxy_pass http://{}:{}{path}; # way {way}\n", address(way), self.ports.origin)
    }

    /// A line that leads to a program that nothing protects.
    pub(crate) fn pass_elsewhere(&mut self) -> String {
        format!("proxy_pass http://127.0.0.1:{};\n", self.ports.other)
    }

    pub(crate) fn asks(&mut self) -> &'static str {
        "auth_request /_auth;\nset $auth_policy \"user\";\n"
    }

    pub(crate) fn protected_location(&mut self) -> String {
        let (path, asks, pass) = (self.path(), self.asks(), self.pass_with_path());
        format!("location {path} {{\n{asks}{pass}}}\n")
    }

    /// A location that clients cannot request, and leads to the origin; returns its name too.
    pub(crate) fn inner_location(&mut self) -> (String, String) {
        if self.random.chance(50) { self.named_location() } else { self.internal_location() }
    }

    pub(crate) fn named_location(&mut self) -> (String, String) {
        self.names += 1;
        let name = format!("@n{}", self.names);
        self.inner.push(name.clone());
        let (asks, pass) = (self.sometimes_asks(20), self.pass());
        (name.clone(), format!("location {name} {{\n{asks}auth_request_set $none $status;\n{pass}}}\n"))
    }

    pub(crate) fn internal_location(&mut self) -> (String, String) {
        self.names += 1;
        let name = format!("/i{}", self.names);
        self.inner.push(name.clone());
        let (asks, pass, equal) =
            (self.sometimes_asks(20), self.pass(), self.random.pick(&["", "= ", "^~ "]));
        (name.clone(), format!("location {equal}{name} {{\ninternal;\n{asks}{pass}}}\n"))
    }

    pub(crate) fn sometimes_asks(&mut self, percent: usize) -> &'static str {
        if self.random.chance(percent) {
            self.asks()
        } else {
            self.random.pick(&["", "", "auth_request off;\n"])
        }
    }

    /// A condition that some of the client's requests meet.
    pub(crate) fn condition(&mut self) -> &'static str {
        self.random.pick(&[
            "$http_x_flag",
            "$request_method = POST",
            "$arg_a = 1",
            "$request_method != GET",
            "$uri ~ \"x$\"",
        ])
    }

    /// One part of the grammar.
    fn part(&mut self, kind: usize) -> String {
        match kind {
            0 => self.protected_location(),
            1 => self.open_location(),
            2 => self.nested(),
            3 => self.rewritten(),
            4 => self.conditional(),
            5 => self.ended(),
            6 => self.by_method(),
            7 => self.satisfied(),
            8 => self.refused(),
            9 => self.tried(),
            10 => self.indexed(),
            11 => self.redirected_by_program(),
            12 => self.mirrored(),
            13 => self.added(),
            14 => self.included(),
            15 => self.acted_after(),
            16 => self.answered_by_nginx(),
            17 => self.asking_the_origin(),
            18 => self.chained(),
            19 => self.streamed(),
            20 => self.regex(),
            21 => self.closed(),
            22 => self.limited(),
            23 => self.matched_before(),
            24 => self.excepted(),
            25 => self.too_large(),
            26 => self.moved(),
            27 => self.included_by_text(),
            28 => self.named_by_variable(),
            29 => self.named_host(),
            30 => self.by_variable(),
            31 => self.plain_uri(),
            32 => self.preconditioned(),
            33 => self.returned_body(),
            _ => self.bytes(),
        }
    }
}
