//! The audit log, revocations, keys, mails and providers at the console.

use admin::access::Right;

use super::{done, operator, person, root, start};
use crate::support::ISSUER;
use crate::witness::dead;

#[tokio::test]
async fn the_audit_log_is_filtered_and_verified() {
    let app = start().await;
    let anna = person(&app, "anna").await;
    let mut root = root(&app).await;
    let path = format!("/console/people/{anna}/disable");
    root.open(&path).await.expect(200);
    root.submit(&path, &[]).await.expect(303);
    let mut auditor = operator(&app, "auditor", &[Right::AuditRead]).await;
    auditor.open(&format!("/console/audit?action=user_disabled&target={anna}")).await.expect(200);
    let page = auditor.page.clone();
    let rows = page.matches("<li><span class=\"what\">").count();
    assert!(rows == 1 && page.contains(&format!("user {anna}")), "{page}");
    auditor.open("/console/audit?actor=wrong").await.expect(422);
    assert!(auditor.page.contains("id=\"actor-error\""), "{}", auditor.page);

    auditor.submit("/console/audit/verify", &[]).await.expect(200);
    assert!(auditor.page.contains("The audit log is intact."), "{}", auditor.page);
    let end = auditor.page.rsplit_once("<dd><code>").unwrap().1.split('<').next().unwrap().to_owned();
    auditor.submit("/console/audit/verify", &[("since", end.as_str())]).await.expect(200);
    assert!(auditor.page.contains("The audit log is intact."), "{}", auditor.page);
    auditor.submit("/console/audit/verify", &[("since", "wrong")]).await.expect(422);

    let forge = "update auth.audit_log set target_id = 'x' where action = 'user_disabled'";
    app.sql().await.execute(forge, &[]).await.unwrap();
    auditor.submit("/console/audit/verify", &[]).await.expect(200);
    assert!(auditor.page.contains("The audit log was altered."), "{}", auditor.page);
}

#[tokio::test]
async fn the_tokens_of_a_user_are_revoked_after_the_number_of_sessions_was_shown() {
    let app = start().await;
    let pair = app.client.new_user("anna@persons.test").await;
    let anna = crate::witness::user_of(&pair);
    let mut root = root(&app).await;
    root.open("/console/revocations").await.expect(200);
    assert!(root.page.contains("Sidecars: 0"), "{}", root.page);
    let path = "/console/revocations/revoke";
    root.open(&format!("{path}?kind=user&value={anna}")).await.expect(200);
    assert!(root.page.contains("Sessions that end at once: 1."), "{}", root.page);
    let fields = [("kind", "user"), ("value", &anna.to_string())];
    root.submit(path, &fields).await.expect(422);
    assert!(root.page.contains("id=\"reason-error\""), "{}", root.page);
    let fields = [&fields[..], &[("reason", "Stolen.")]].concat();
    let next = root.submit_and_follow(path, &fields).await;
    assert_eq!(next, "/console/revocations");
    assert!(root.page.contains(&done("revoked")), "{}", root.page);
    dead(&app, &pair.access).await;
    root.open(&format!("{path}?kind=nothing")).await.expect(404);
}

#[tokio::test]
async fn everything_is_revoked_only_with_the_name_of_the_issuer() {
    let app = start().await;
    person(&app, "anna").await;
    let mut root = root(&app).await;
    let path = "/console/revocations/revoke";
    root.open(&format!("{path}?kind=everything&value=all")).await.expect(200);
    let page = root.page.clone();
    assert!(page.contains(ISSUER) && page.contains("Sessions that end at once: 3."), "{page}");
    let wrong = [("kind", "everything"), ("value", "all"), ("reason", "Leak.")];
    root.submit(path, &wrong).await.expect(422);
    assert!(root.page.contains("id=\"value-error\""), "{}", root.page);
    let right = [("kind", "everything"), ("value", ISSUER), ("reason", "Leak.")];
    root.submit(path, &right).await.expect(303);
    root.open("/console/").await.expect(303);
}

#[tokio::test]
async fn keys_mails_and_providers_are_shown_and_a_key_is_killed() {
    let app = start().await;
    let mut root = root(&app).await;
    root.open("/console/system").await.expect(200);
    let page = root.page.clone();
    assert!(page.contains("Mails that wait") && page.contains("Signing keys"), "{page}");
    let kid: String = {
        let sql = "select kid from auth.signing_keys where status = 'next'";
        app.sql().await.query_one(sql, &[]).await.unwrap().get(0)
    };
    let path = "/console/revocations/revoke";
    root.open(&format!("{path}?kind=key&value={kid}")).await.expect(200);
    root.submit(path, &[("kind", "key"), ("value", &kid), ("reason", "Leak.")]).await.expect(303);
    root.open("/console/system").await.expect(200);
    assert!(root.page.contains("killed"), "{}", root.page);
    let mut plain = operator(&app, "plain", &[Right::UsersRead]).await;
    plain.open("/console/system").await.expect(200);
    assert!(!plain.page.contains("kind=key"), "{}", plain.page);
}
