//! The examples of `nginx/examples/`, with only addresses and paths changed.

use std::path::Path;
use std::process::Command;

use harness::http::get;
use harness::nginx::Nginx;
use harness::{Folder, ports};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../nginx/examples");

/// An example without its log directives, because the harness has its own.
fn example(name: &str) -> String {
    let text = std::fs::read_to_string(Path::new(EXAMPLES).join(name)).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("access_log") && !line.starts_with("error_log"));
    lines.collect::<Vec<_>>().join("\n")
}

fn curl(args: &[&str]) -> String {
    let output = Command::new("curl").args(["-sik", "--max-time", "10"]).args(args).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn the_plain_example_serves() {
    let port = ports::free().unwrap();
    let conf = example("machine.conf").replace("127.0.0.1:8080", &format!("127.0.0.1:{port}"));
    let nginx = Nginx::start_with(Folder::temporary().unwrap(), &conf, port, None).await.unwrap();
    let answer = get(&format!("{}/nothing", nginx.url())).send().await;
    assert_eq!(answer.code(), "not_found");
}

#[tokio::test]
async fn the_example_with_tls_serves_by_https_and_points_to_it_by_http() {
    let folder = Folder::temporary().unwrap();
    let (plain, secure) = (ports::free().unwrap(), ports::free().unwrap());
    let (key, certificate) = (folder.write("key.pem", "").unwrap(), folder.write("cert.pem", "").unwrap());
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "1",
        ])
        .args(["-subj", "/CN=cinema.example", "-keyout", key.to_str().unwrap()])
        .args(["-out", certificate.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let conf = example("machine-tls.conf")
        .replace("listen 80;", &format!("listen 127.0.0.1:{plain};"))
        .replace("listen 443 ssl", &format!("listen 127.0.0.1:{secure} ssl"))
        .replace("/etc/ssl/usher/cinema.example.pem", certificate.to_str().unwrap())
        .replace("/etc/ssl/usher/cinema.example.key", key.to_str().unwrap());
    let _nginx = Nginx::start_with(folder, &conf, secure, None).await.unwrap();

    let answer = curl(&[&format!("https://127.0.0.1:{secure}/nothing")]);
    assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("not_found"), "{answer}");
    assert!(answer.to_lowercase().contains("strict-transport-security"), "{answer}");
    let answer = curl(&["-H", "X_User_Id: spoof", &format!("https://127.0.0.1:{secure}/api/v1/genres/")]);
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("identity_header_refused"), "{answer}");
    let answer = curl(&[&format!("http://127.0.0.1:{plain}/api/v1/films/?a=b")]);
    assert!(
        answer.contains("308") && answer.contains("https://cinema.example/api/v1/films/?a=b"),
        "{answer}"
    );
}
