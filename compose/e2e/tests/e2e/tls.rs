//! TLS to PostgreSQL, Redis and the receiver of traces: a certificate for another name is refused.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use harness::assembly::{AUDIENCE, ISSUER};
use harness::nginx::EVERY_TRACE;
use harness::wait::until;
use harness::{
    Certified, Error, Folder, Introspect, Launch, Postgres, Process, Redis, Stack, database, introspect,
    ports, programs,
};

use crate::people::{PASSWORD, Person};
use crate::receiver::Receiver;
use crate::support::LIMIT;

/// Copies a file into a server's folder; the server's user owns it.
fn give(folder: &Path, name: &str, text: &str) -> PathBuf {
    let (path, owner) = (folder.join(name), fs::metadata(folder).unwrap());
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
    path
}

/// A PostgreSQL with TLS, and a database in it.
async fn postgres(certified: &Certified) -> Postgres {
    let mut postgres = Postgres::start().await.unwrap();
    database::ensure(&postgres.url(), "usher").await.unwrap();
    postgres.stop().await.unwrap();
    let data = postgres.data();
    give(&data, "server.key", &certified.text("server.key").unwrap());
    give(&data, "server.crt", &certified.text("server.pem").unwrap());
    let mut settings = OpenOptions::new().append(true).open(data.join("postgresql.auto.conf")).unwrap();
    settings.write_all(b"ssl = on\n").unwrap();
    postgres.start_again().await.unwrap();
    postgres
}

/// The URL of its database by TLS, at `host`, verified with `authority`.
fn url(postgres: &Postgres, host: &str, authority: &str) -> String {
    let url = postgres.url_of("usher").replace("127.0.0.1", host);
    format!("{url}?sslmode=verify-full&sslrootcert={authority}")
}

/// A Redis with TLS, and its URL.
async fn redis(certified: &Certified) -> (Redis, String) {
    let redis = Redis::start().await.unwrap();
    let (folder, port) = (Folder::temporary().unwrap(), ports::free().unwrap());
    let file = |name: &str| folder.write(name, &certified.text(name).unwrap()).unwrap().display().to_string();
    let (cert, key) = (file("server.pem"), file("server.key"));
    let set =
        format!("CONFIG SET tls-cert-file {cert} tls-key-file {key} tls-auth-clients no tls-port {port}");
    assert_eq!(redis.command(&set).unwrap(), "+OK");
    (redis, format!("rediss://localhost:{port}"))
}

/// The reason why a system with these URLs cannot start.
async fn refused(database: &str, redis: &str, ca: &str) -> String {
    let builder = Stack::builder().admin("DATABASE_URL", database);
    let started = builder.admin("REDIS_URL", redis).admin("REDIS_TLS_CA", ca).start().await;
    started.map(drop).map_err(|error: Error| error.to_string()).unwrap_err()
}

#[tokio::test]
async fn both_stores_are_asked_by_tls() {
    let certified = Certified::new().unwrap();
    let (postgres, (_redis, redis)) = (postgres(&certified).await, redis(&certified).await);
    let authority = certified.authority().unwrap();
    let builder = Stack::builder().admin("DATABASE_URL", &url(&postgres, "localhost", &authority));
    let builder = builder.admin("REDIS_URL", &redis).admin("REDIS_TLS_CA", &authority);
    let builder = builder.sidecar("REDIS_URL", &redis).sidecar("REDIS_TLS_CA", &authority);
    let stack = builder.providers().start().await.unwrap();

    let (_person, pair) = Person::signed_in(&stack).await;
    pair.is_let_in(&stack).await;
    pair.sign_out(&stack).await;
    pair.is_refused(&stack, "the sign-out").await;

    let (client, connection) =
        tokio_postgres::connect(&postgres.url_of("usher"), tokio_postgres::NoTls).await.unwrap();
    let asking = tokio::spawn(connection);
    let how =
        "select count(*) filter (where ssl), count(*) from pg_stat_ssl join pg_stat_activity using (pid)
               where application_name like 'usher%'";
    let row = client.query_one(how, &[]).await.unwrap();
    let (by_tls, all): (i64, i64) = (row.get(0), row.get(1));
    assert!(by_tls == all && all >= 3, "the pool, the relay and the keys: {by_tls} of {all}");
    asking.abort();
}

#[tokio::test]
async fn servers_without_a_valid_certificate_are_refused() {
    let (certified, other) = (Certified::new().unwrap(), Certified::new().unwrap());
    let (postgres, (_redis, redis)) = (postgres(&certified).await, redis(&certified).await);
    let (authority, wrong) = (certified.authority().unwrap(), other.authority().unwrap());
    for (database, why) in [
        (url(&postgres, "localhost", &wrong), "invalid peer certificate: UnknownIssuer"),
        (url(&postgres, "127.0.0.1", &authority), "not valid for name"),
    ] {
        let told = refused(&database, &redis, &authority).await;
        assert!(told.contains(why) && told.contains("DATABASE_URL"), "{told}");
    }
    // Without Redis admin still serves, and a sidecar reports the error.
    let settings = introspect::IntrospectSettings {
        redis,
        jwks: "file:/nowhere".to_owned(),
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        env: vec![("REDIS_TLS_CA".to_owned(), wrong)],
        socket: None,
        ops_port: 0,
        ledger: None,
    };
    let sidecar = Introspect::start_cold(&settings, Folder::temporary().unwrap()).unwrap();
    let told = async || sidecar.process().log().contains("invalid peer certificate");
    until("the sidecar's log line", LIMIT, told).await.unwrap();
    assert!(!sidecar.is_ready().await);
}

/// An nginx that terminates TLS in front of a receiver of traces.
async fn before(receiver: &Receiver, certified: &Certified, folder: &Folder) -> (Process, String) {
    let port = ports::free().unwrap();
    for name in ["server.pem", "server.key"] {
        folder.write(name, &certified.text(name).unwrap()).unwrap();
    }
    let conf = format!(
        "daemon off; master_process off; pid nginx.pid; events {{}}
         http {{
             access_log off;
             client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
             uwsgi_temp_path uwsgi; scgi_temp_path scgi;
             server {{
                 listen 127.0.0.1:{port} ssl http2; ssl_certificate server.pem; ssl_certificate_key server.key;
                 location / {{ grpc_pass grpc://127.0.0.1:{}; }}
             }}
         }}",
        receiver.port
    );
    let conf = folder.write("nginx.conf", &conf).unwrap().display().to_string();
    let at = folder.path().display().to_string();
    let launch = Launch::new("nginx", programs::installed("nginx", "nginx").unwrap(), folder);
    let mut nginx = launch.args(["-e", "stderr", "-p", &at, "-c", &conf]).start().unwrap();
    nginx.ready(async || TcpStream::connect(("127.0.0.1", port)).is_ok()).await.unwrap();
    (nginx, format!("https://localhost:{port}"))
}

async fn traced(url: &str, authority: &str) -> Stack {
    let mut builder = Stack::builder().nginx(EVERY_TRACE, "");
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", authority),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ] {
        builder = builder.admin(name, value).sidecar(name, value);
    }
    builder.start().await.unwrap()
}

#[tokio::test]
async fn traces_are_sent_by_tls_and_only_to_a_trusted_receiver() {
    let (certified, other) = (Certified::new().unwrap(), Certified::new().unwrap());
    let receiver = Receiver::start().await;
    let folder = Folder::temporary().unwrap();
    let (_nginx, url) = before(&receiver, &certified, &folder).await;
    let stack = traced(&url, &certified.authority().unwrap()).await;
    let (person, pair) = Person::signed_in(&stack).await;
    let films = pair.get(&stack, "/api/v1/films/").await;
    receiver.has(films.find_header("x-request-id").unwrap(), "decide").await;
    let signed_in = person.try_password(&stack, PASSWORD).await;
    receiver.has(signed_in.find_header("x-request-id").unwrap(), "insert auth.sessions").await;

    let stack = traced(&url, &other.authority().unwrap()).await;
    let (_, pair) = Person::signed_in(&stack).await;
    pair.is_let_in(&stack).await;
    for process in [stack.admins[0].process(), stack.sidecars[0].process()] {
        let told = async || process.log().contains("Failed to send traces");
        until("the log line that traces were not sent", LIMIT, told).await.unwrap();
    }
}
