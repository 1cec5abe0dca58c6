//! Which headers of a client a program behind nginx gets: those that the configuration names, and no others.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use harness::http::{Reply, call, get};
use harness::nginx::{Machine, Nginx};
use hyper::Method;

/// A program behind nginx that keeps the heads of the requests that it gets.
struct Recorder {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heads);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || record(stream.unwrap(), &kept));
            }
        });
        Self { address, heads }
    }

    /// The head of the last request, in lower case: a line for each header.
    fn last(&self) -> String {
        self.heads.lock().unwrap().last().unwrap().to_lowercase()
    }
}

/// The requests have no body, so that each ends with an empty line.
fn record(mut stream: TcpStream, heads: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut head = String::new();
    while let Some(Ok(line)) = lines.next() {
        if !line.is_empty() {
            head = format!("{head}{line}\n");
            continue;
        }
        heads.lock().unwrap().push(std::mem::take(&mut head));
        if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").is_err() {
            return;
        }
    }
}

/// nginx before two such programs: the origin and admin.
struct Passing {
    nginx: Nginx,
    origin: Recorder,
    admin: Recorder,
}

impl Passing {
    async fn start(server: &str) -> Self {
        let (origin, admin) = (Recorder::start(), Recorder::start());
        let machine = Machine {
            introspect: vec![format!("127.0.0.1:{}", harness::ports::free().unwrap())],
            admin: vec![admin.address.clone()],
            origin: vec![origin.address.clone()],
            server: server.to_owned(),
            ..Machine::default()
        };
        Self { nginx: Nginx::start(&machine).await.unwrap(), origin, admin }
    }

    /// The heads that the origin and admin get of a request with these headers.
    async fn heads(&self, headers: &[(String, &str)]) -> [String; 2] {
        for path in ["/api/v1/genres/", "/api/v1/me"] {
            let request = get(&format!("{}{path}", self.nginx.url()));
            let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
            assert_eq!(request.send().await.status, 200);
        }
        [self.origin.last(), self.admin.last()]
    }
}

/// Headers by which programs, frameworks and other gateways change the path, the method, the user, the client's address
/// or the framing of a request.
const OBEYED: [&str; 62] = [
    "X-Original-URL",
    "X-Original-URI",
    "X-Original-Host",
    "X-Original-Method",
    "X-Rewrite-URL",
    "X-Request-URI",
    "X-HTTP-Method",
    "X-HTTP-Method-Override",
    "X-Method-Override",
    "X-HTTP-Path-Override",
    "X-HTTP-Host-Override",
    "X-Host",
    "Forwarded",
    "X-Forwarded",
    "X-Forwarded-By",
    "X-Forwarded-Client-Cert",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Host",
    "X-Forwarded-Path",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Preferred-Username",
    "X-Forwarded-Scheme",
    "X-Forwarded-Server",
    "X-Forwarded-Ssl",
    "X-Forwarded-Uri",
    "X-Forwarded-User",
    "X-Url-Scheme",
    "Front-End-Https",
    "X-Real-IP",
    "X-Real-Port",
    "X-Client-IP",
    "Client-IP",
    "True-Client-IP",
    "X-Cluster-Client-IP",
    "X-Originating-IP",
    "X-Remote-IP",
    "X-Remote-Addr",
    "CF-Connecting-IP",
    "Fastly-Client-IP",
    "Remote-User",
    "Remote-Addr",
    "X-Remote-User",
    "X-Remote-Group",
    "X-Auth-Request-User",
    "X-Auth-User",
    "X-Authenticated-User",
    "X-Consumer-Username",
    "X-Webauth-User",
    "X-Goog-Authenticated-User-Email",
    "X-Amzn-Oidc-Identity",
    "X-Ms-Client-Principal",
    "Ssl-Client-Cert",
    "X-Ssl-Client-S-Dn",
    "X-Envoy-Original-Path",
    "X-Script-Name",
    "Script-Name",
    "Path-Info",
    "Proxy",
    "X-Accel-Redirect",
    "X-Sendfile-Type",
];

/// The name with `_` in place of each, of the first and of the last `-`.
fn spellings(name: &str) -> [String; 4] {
    let last = name.rfind('-').map(|at| format!("{}_{}", &name[..at], &name[at + 1..]));
    let last = last.unwrap_or_else(|| name.to_owned());
    [name.to_owned(), name.replace('-', "_"), name.replacen('-', "_", 1), last]
}

#[tokio::test]
async fn no_header_that_programs_obey_is_passed_on_in_any_spelling() {
    let passing = Passing::start("").await;
    for name in OBEYED {
        // In one request, because nginx limits their rate.
        let headers: Vec<_> = spellings(name).into_iter().map(|name| (name, "spoofed")).collect();
        for head in passing.heads(&headers).await {
            assert!(!head.contains("spoofed"), "{name}: {head}");
        }
    }
}

#[tokio::test]
async fn only_admin_learns_that_a_browser_loads_a_page_in_advance() {
    let passing = Passing::start("").await;
    for name in ["Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"] {
        let [origin, admin] = passing.heads(&[(name.to_owned(), "prefetch")]).await;
        assert!(!origin.contains("prefetch"), "{origin}");
        assert!(admin.contains(&format!("\n{}: prefetch\n", name.to_lowercase())), "{admin}");
    }
}

#[tokio::test]
async fn underscores_change_neither_the_framing_nor_what_nginx_sets() {
    let passing = Passing::start("").await;
    let values = ["chunked", "192.0.2.1", "https", "mine", "5", "upgrade", "evil.example"];
    let names = [
        "Transfer_Encoding",
        "X_Forwarded_For",
        "X-Forwarded_Proto",
        "X_Request_Id",
        "Content_Length",
        "Connection_",
        "Host_",
    ];
    let headers: Vec<_> = names.into_iter().map(ToOwned::to_owned).zip(values).collect();
    for head in passing.heads(&headers).await {
        for value in values {
            assert!(!head.contains(&format!(": {value}\n")), "{value}: {head}");
        }
        assert!(head.contains("\nx-forwarded-for: 127.0.0.1\n"), "{head}");
        assert!(!head.contains('_'), "{head}");
    }
}

#[tokio::test]
async fn the_headers_of_http_itself_are_passed_on() {
    let passing = Passing::start("").await;
    let names = [
        "Accept",
        "Accept-Encoding",
        "Accept-Language",
        "Cache-Control",
        "Content-Encoding",
        "Content-Type",
        "Idempotency-Key",
        "If-Match",
        "If-Modified-Since",
        "If-None-Match",
        "If-Range",
        "If-Unmodified-Since",
        "Origin",
        "Range",
        "Referer",
        "Sec-Fetch-Site",
        "User-Agent",
        "X-Requested-With",
    ];
    let headers: Vec<_> = names.into_iter().map(|name| (name.to_owned(), "the-client-s")).collect();
    for head in passing.heads(&headers).await {
        for name in names {
            let line = format!("\n{}: the-client-s\n", name.to_lowercase());
            assert_eq!(head.matches(&line).count(), 1, "{name}: {head}");
        }
    }
}

#[tokio::test]
async fn an_operator_can_pass_on_one_more() {
    let location =
        "location /lists/ { include snippets/origin.conf; proxy_set_header X-Real-IP $http_x_real_ip; }";
    let passing = Passing::start(location).await;
    let request = get(&format!("{}/lists/", passing.nginx.url()));
    let request = request.header("X-Real-IP", "192.0.2.1").header("X-Forwarded-Host", "spoofed");
    assert_eq!(request.send().await.status, 200);
    let head = passing.origin.last();
    assert!(head.contains("\nx-real-ip: 192.0.2.1\n") && !head.contains("spoofed"), "{head}");
}

#[tokio::test]
async fn more_headers_than_a_program_reads_do_not_reach_it() {
    let passing = Passing::start("").await;
    let headers: Vec<_> = (0..400).map(|number| (format!("X-{number}"), "y")).collect();
    for head in passing.heads(&headers).await {
        assert!(head.lines().count() < 30, "{head}");
    }
}

#[tokio::test]
async fn bodies_arrive_whole_without_the_client_s_framing() {
    let passing = Passing::start("").await;
    let request = call(Method::POST, &format!("{}/api/v1/me", passing.nginx.url()));
    let answer: Reply = request.header("Content-Type", "application/json").body("{}\r\n\r\n").send().await;
    assert_eq!(answer.status, 200);
    let head = passing.admin.heads.lock().unwrap().first().unwrap().to_lowercase();
    assert!(
        head.contains("\ncontent-length: 6\n") && head.contains("\ncontent-type: application/json\n"),
        "{head}"
    );
}
