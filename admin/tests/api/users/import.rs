//! `admin users import`: accounts of another program.

use serde_json::{Value, json};

use crate::support::{Command, PASSWORD, TestApp};
use crate::witness::sign_in;

/// Of `correct horse`, by Werkzeug 2.2.3 and 3.1.9.
const HASHES: [&str; 4] = [
    "sha256$llk9LlihPJoAKkPc$fb33bf6df8e29867fa266c444221da7772b8c7bbd8d0ce79d279941d20e79c75",
    "pbkdf2:sha256:1000$oOTFW0SIp5L8iIVb$7f6de81ebd3a994c1dbf02c1a9905fa035d18e06bd66a7a8d6527b8706910858",
    "pbkdf2:sha1:1000$tx2Ae7aC38un7PVY$10896ba24513559794805ef8bf9f61e1fe15d7f6",
    "scrypt:1024:8:1$lUCSp9Qi5jTKjHB7$c746f0621bd2b984024e868097a10b16605692c82f77d169c19a566424b41536c0131fd34b558a1c185faa50c4dd824ba06238f03251b2b65e293dfd8e1c9e72",
];

fn line(number: usize) -> String {
    let line = json!({
        "email": format!("user{number}@example.org"), "login": format!("user-{number}"), "name": "Имя",
        "hash": HASHES[number % HASHES.len()], "created_at": "2015-01-31T00:00:00Z"
    });
    format!("{line}\n")
}

async fn stored(app: &TestApp, email: &str) -> String {
    let sql = app.sql().await;
    let row = sql.query_one("select password_hash from auth.users where email_key = $1", &[&email]).await;
    row.unwrap().get(0)
}

#[tokio::test]
async fn imported_accounts_sign_in_with_their_old_passwords_and_no_weak_hash_is_stored() {
    let app = TestApp::start().await;
    let file: String = (0..HASHES.len()).map(line).collect();
    let out = Command::new(&app.vars, &["users", "import", "-"]).input(&file).run().await.succeeded();
    assert_eq!(out, "Created 4 account(s); 0 existed; 0 line(s) were refused.\n");
    for (number, hash) in HASHES.iter().enumerate() {
        let email = format!("user{number}@example.org");
        let (_, old) = hash.rsplit_once('$').unwrap();
        let wrapped = stored(&app, &email).await;
        assert!(wrapped.contains("$argon2id$") && !wrapped.contains(old), "{wrapped}");
        sign_in(&app, &email, "correct horsf").send().await.problem(401, "invalid_credentials");
        sign_in(&app, &email, "correct horse").send().await.pair();
        assert!(stored(&app, &email).await.starts_with("$argon2id$v=19$"));
        sign_in(&app, &email, "correct horse").send().await.pair();
    }
    let said = Command::new(&app.vars, &["audit", "verify"]).run().await.succeeded();
    assert!(said.contains("1 rows"), "{said}");
}

#[tokio::test]
async fn a_repeated_import_changes_nothing() {
    let app = TestApp::start().await;
    let file: String = (0..250).map(line).collect();
    let path = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(path.path(), &file).unwrap();
    let args = ["users", "import", path.path().to_str().unwrap(), "--json"];
    let first = Command::new(&app.vars, &args).run().await.succeeded();
    assert_eq!(first, "{\"created\":250,\"refused\":0,\"unchanged\":0}\n");
    sign_in(&app, "user7@example.org", "correct horse").send().await.pair();
    let before = stored(&app, "user7@example.org").await;
    let second = Command::new(&app.vars, &args).run().await.succeeded();
    assert_eq!(second, "{\"created\":0,\"refused\":0,\"unchanged\":250}\n");
    assert_eq!(stored(&app, "user7@example.org").await, before);
}

#[tokio::test]
async fn each_bad_line_is_named_and_loses_no_other() {
    let app = TestApp::start().await;
    app.client.new_user("neo@example.org").await;
    let id = "0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b";
    let lines = [
        line(0),
        "not json s3cret\n".to_owned(),
        format!("{}\n", json!({ "email": "a@example.org", "hash": "plain$$s3cret" })),
        format!(
            "{}\n",
            json!({ "email": "a@example.org", "hash": format!("scrypt:1073741824:8:1$s${}", "a".repeat(128)) })
        ),
        format!("{}\n", json!({ "email": "a@example.org", "name": "x".repeat(9000) })),
        "\n".to_owned(),
        line(0),
        format!("{}\n", json!({ "id": id, "email": "neo@example.org", "hash": HASHES[0] })),
        format!("{}\n", json!({ "email": "b@example.org", "login": "USER-0", "hash": HASHES[0] })),
        format!("{}\n", json!({ "email": "c@example.org", "login": "user-O", "hash": HASHES[0] })),
        format!("{}", json!({ "id": id, "email": "d@example.org", "hash": HASHES[0] })),
    ];
    let ended =
        Command::new(&app.vars, &["users", "import", "-", "--json"]).input(&lines.concat()).run().await;
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(!ended.out.contains("s3cret") && !ended.err.contains("s3cret"), "{ended:?}");
    let objects: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let refused: Vec<u64> = objects.iter().filter_map(|object| object["line"].as_u64()).collect();
    assert_eq!(refused, [2, 3, 4, 5, 8, 9, 10]);
    assert_eq!(objects.last(), Some(&json!({ "created": 2, "unchanged": 1, "refused": 7 })));
    sign_in(&app, "user0@example.org", "correct horse").send().await.pair();
    sign_in(&app, "d@example.org", "correct horse").send().await.pair();
    sign_in(&app, "neo@example.org", PASSWORD).send().await.pair();
    let ended = Command::new(&app.vars, &["users", "import", "/nowhere"]).run().await;
    assert!(ended.code == 1 && ended.err.contains("/nowhere"), "{ended:?}");
}

#[tokio::test]
async fn an_import_waits_for_its_hashes_whatever_a_sign_in_may_wait() {
    let app = TestApp::start_with(&[("ADMIN_HASH_THREADS", "1"), ("ADMIN_HASH_WAIT", "0s")]).await;
    let file: String = (0..20).map(line).collect();
    let out = Command::new(&app.vars, &["users", "import", "-"]).input(&file).run().await.succeeded();
    assert_eq!(out, "Created 20 account(s); 0 existed; 0 line(s) were refused.\n");
}
