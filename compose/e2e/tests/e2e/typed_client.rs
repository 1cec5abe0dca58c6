//! The typed client of docs/frontend.md: generated from the OpenAPI document, checked by TypeScript, and used.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use harness::http::get;
use harness::{Folder, Stack};
use serde_json::{Value, json};

use crate::npm::{installed, packages};
use crate::people::{PASSWORD, send};

const EMAIL: &str = "neo@example.org";

/// What `tsc` is asked for.
const OPTIONS: &str = r#"{ "compilerOptions": {
    "strict": true, "noUncheckedIndexedAccess": true, "exactOptionalPropertyTypes": false,
    "target": "es2022", "module": "nodenext", "moduleResolution": "nodenext", "lib": ["es2023", "dom", "dom.iterable"],
    "types": [], "skipLibCheck": true, "outDir": "out"
}, "files": ["try.ts", "node.d.ts"] }"#;

/// The few names of Node.js that `try.ts` uses.
const NODE: &str =
    "declare module \"node:fs\" { export function readFileSync(file: number, encoding: \"utf8\"): string }
declare const process: { argv: string[] };";

/// Runs a program in `folder` with a text on its standard input, and returns what it printed.
fn run(program: &mut Command, folder: &Path, input: &str) -> String {
    let program =
        program.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{program:?}:\n{out}{err}");
    out.into_owned()
}

#[tokio::test]
async fn the_typed_client_of_the_documentation_renews_the_session_once_for_all_requests() {
    let stack = Stack::builder().providers().mail().nginx("", "").start().await.unwrap();
    let admin = &stack.admins[0];
    admin
        .command(&["users", "create", "--email", EMAIL, "--verified", "--password-stdin"], PASSWORD)
        .unwrap();
    admin.command(&["roles", "create", "subscriber"], "").unwrap();

    // As the documentation says.
    let folder = Folder::temporary().unwrap();
    let at = |name: &str| folder.path().join(name);
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client");
    let documented = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/frontend/usher.ts");
    std::os::unix::fs::symlink(packages("client").join("node_modules"), at("node_modules")).unwrap();
    fs::copy(documented, at("usher.ts")).unwrap();
    fs::copy(tests.join("try.ts"), at("try.ts")).unwrap();
    fs::write(at("tsconfig.json"), OPTIONS).unwrap();
    fs::write(at("node.d.ts"), NODE).unwrap();
    fs::write(at("package.json"), r#"{ "type": "module" }"#).unwrap();
    fs::write(at("openapi.json"), send(get(&admin.url("/openapi.json"))).await.text).unwrap();
    let node = |script: &str, args: &[&str], input: &str| {
        run(Command::new(installed("node")).arg(script).args(args), folder.path(), input)
    };
    node("node_modules/openapi-typescript/bin/cli.js", &["openapi.json", "-o", "schema.d.ts"], "");
    node("node_modules/typescript/bin/tsc", &["--project", "."], "");

    let gateway = stack.gateway("");
    let user = json!({ "email": EMAIL, "password": PASSWORD }).to_string();
    let tokens = node("out/try.js", &[&gateway, "sign-in"], &user);
    // The access token is out of date now.
    admin.command(&["roles", "assign", EMAIL, "subscriber"], "").unwrap();
    let used: Value = serde_json::from_str(&node("out/try.js", &[&gateway, "use"], &tokens)).unwrap();
    let all = [EMAIL; 5];
    assert_eq!(
        used,
        // The second refresh is that of the ended session.
        json!({
            "addresses": all, "refreshes": 2, "changed": 200, "code": "token_revoked", "ended": 1, "kept": 0
        })
    );
    let used: Value = serde_json::from_str(&node("out/try.js", &[&gateway, "cookies"], &user)).unwrap();
    let (three, members) = ([EMAIL; 3], ["expires_in", "refresh_expires_in", "session_id"]);
    assert_eq!(used, json!({ "addresses": three, "refreshes": 1, "members": members }));
}
