//! The program: what it says, and how it ends.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use crate::client::get;

const CONFIG: &str = r#"{"clients": [{"provider": "google", "id": "cinema", "secret": "popcorn",
                                     "redirect_uris": ["http://127.0.0.1:8080/callback"]}]}"#;

fn program(config: &str) -> (Command, tempfile::NamedTempFile) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(config.as_bytes()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mock-providers"));
    command.arg("--config").arg(file.path()).args(["--listen", "127.0.0.1:0"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    (command, file)
}

/// The address of the first line.
fn url(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line.trim_end().strip_prefix("Listening on ").unwrap().to_owned()
}

#[tokio::test]
async fn it_says_where_it_listens_and_ends_well_at_a_signal() {
    for name in ["TERM", "INT"] {
        let (mut command, _file) = program(CONFIG);
        let mut child = command.spawn().unwrap();
        let url = url(&mut child);
        assert_eq!(get(&format!("{url}/google/oauth2/v3/certs"), &[]).await.status, 200);
        let signalled = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status();
        assert!(signalled.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{name}");
    }
}

#[test]
fn a_bad_configuration_ends_it_with_64_and_a_reason() {
    for (config, why) in
        [("{", "EOF"), (r#"{"clients": [{}]}"#, "provider"), (r#"{"persons": []}"#, "`persons`")]
    {
        let output = program(config).0.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{said}");
        assert!(output.stdout.is_empty() && said.contains("README.md"), "{said}");
        assert!(said.contains(why), "{said}");
    }
}
