//! The worker and the outbox: a mail server that fails, is slow or refuses; two admins; bounds.

use std::collections::HashSet;
use std::time::Instant;

use harness::Certified;
use mail_catcher::{CatcherOptions, Fault};

use super::{PROMPT, Post, SHORT};
use crate::support::{TestApp, until};
use crate::witness::change_password;

const NEO: &str = "neo@example.org";
const NEW: &str = "another horse, another battery";

/// Causes one mail; the request must not wait for the server.
async fn cause(post: &Post) {
    let pair = post.app.client.new_user(NEO).await;
    let begun = Instant::now();
    change_password(&post.app, &pair.access, NEW).send().await.pair();
    assert!(begun.elapsed() < PROMPT);
}

async fn fails(post: &Post, reason: &str) {
    let metric = format!("usher_admin_mail_failures_total{{reason=\"{reason}\"}}");
    until("the failure is counted", async || (post.metric(&metric).await > 0.0).then_some(())).await;
}

#[tokio::test]
async fn a_mail_waits_for_a_server_that_cannot_be_used() {
    for (fault, reason) in [
        (Fault::Unavailable, "server"),
        (Fault::RejectSender, "server"),
        (Fault::DeferRecipient, "temporary"),
        (Fault::DeferContent, "temporary"),
        (Fault::Silent, "timeout"),
        (Fault::SilentAfterContent, "timeout"),
    ] {
        let post = Post::start_with(CatcherOptions::default(), &[SHORT]).await;
        post.catcher.set_fault(Some(fault));
        cause(&post).await;
        fails(&post, reason).await;
        assert!(post.catcher.mails().is_empty(), "{fault:?}");
        post.until_count("true", 1).await;
        post.catcher.set_fault(None);
        // A lane that noticed an outage rests for some seconds, and another one does not.
        post.until_postponed().await;
        post.retry().await;
        assert_eq!(post.mails(1).await[0].to, [NEO], "{fault:?}");
        post.until_count("true", 0).await;
    }
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_is_given_up() {
    for fault in [Fault::RejectRecipient, Fault::RejectContent] {
        let post = Post::start().await;
        post.catcher.set_fault(Some(fault));
        cause(&post).await;
        post.until_count("true", 0).await;
        assert_eq!(
            post.metric("usher_admin_mail_failures_total{reason=\"recipient\"}").await,
            1.0,
            "{fault:?}"
        );
        assert!(post.catcher.mails().is_empty(), "{fault:?}");
    }
}

#[tokio::test]
async fn a_mail_that_is_sent_twice_has_one_message_id_and_the_same_bytes() {
    let post = Post::start().await;
    post.catcher.set_fault(Some(Fault::HangUpAfterContent));
    cause(&post).await;
    fails(&post, "connection").await;
    post.catcher.set_fault(None);
    post.until_postponed().await;
    post.retry().await;
    let mails = post.mails(2).await;
    assert_eq!(mails[0].message_id, mails[1].message_id);
    assert_eq!(mails[0].raw, mails[1].raw);
    post.until_count("true", 0).await;
}

#[tokio::test]
async fn no_mail_is_sent_when_it_is_of_no_use_any_more() {
    let post = Post::start().await;
    post.catcher.set_fault(Some(Fault::Unavailable));
    cause(&post).await;
    fails(&post, "server").await;
    post.catcher.set_fault(None);
    let late =
        "update auth.mail_outbox set not_after = clock_timestamp(), next_attempt_at = clock_timestamp()";
    post.change(late).await;
    post.until_count("true", 0).await;
    assert_eq!(post.metric("usher_admin_mail_failures_total{reason=\"expired\"}").await, 1.0);
    assert!(post.catcher.mails().is_empty());
}

#[tokio::test]
async fn two_admins_hand_over_each_mail_once() {
    let post = Post::start().await;
    let _other = post.app.replica().await;
    post.catcher.set_fault(Some(Fault::Unavailable));
    cause(&post).await;
    // Either of the two may have tried.
    post.until_postponed().await;
    post.catcher.set_fault(None);
    let copies = "insert into auth.mail_outbox
                      (id, kind, mailbox, recipient, parameters, not_after, next_attempt_at)
                  select gen_random_uuid(), kind, mailbox, recipient, parameters, not_after, clock_timestamp()
                  from auth.mail_outbox, generate_series(1, 99);
                  update auth.mail_outbox set next_attempt_at = clock_timestamp()";
    post.change(copies).await;
    post.until_count("true", 0).await;
    let mails = post.mails(100).await;
    let ids: HashSet<_> = mails.into_iter().map(|mail| mail.message_id).collect();
    assert_eq!(ids.len(), 100);
}

#[tokio::test]
async fn a_mail_of_a_process_that_died_is_sent_by_another_one_after_the_lease() {
    let post = Post::start().await;
    post.catcher.set_fault(Some(Fault::Unavailable));
    cause(&post).await;
    fails(&post, "server").await;
    // As a process leaves it that claimed the mail and died: nothing but the lease says so.
    post.change(
        "update auth.mail_outbox set attempts = 7, next_attempt_at = clock_timestamp() + interval '2 s'",
    )
    .await;
    post.catcher.set_fault(None);
    post.mails(1).await;
    post.until_count("true", 0).await;
}

#[tokio::test]
async fn a_full_outbox_fails_no_request_and_says_so() {
    let post = Post::start().await;
    let fill = "insert into auth.mail_outbox (id, kind, mailbox, recipient, parameters, not_after, next_attempt_at)
                select gen_random_uuid(), 'x', decode(repeat('00', 16), 'hex'), '', '', clock_timestamp() + interval '1 day',
                    clock_timestamp() + interval '1 day'
                from generate_series(1, 100000)";
    post.change(fill).await;
    cause(&post).await;
    assert_eq!(post.metric("usher_admin_mail_failures_total{reason=\"full\"}").await, 1.0);
    assert_eq!(post.metric("usher_admin_mail_waiting").await, 100_000.0);
    let ready = post.app.ops.get("/health/ready").send().await.expect(200).json();
    assert_eq!(
        (&ready["status"], &ready["warnings"][0]["code"]),
        (&"ready".into(), &"mail_outbox_full".into())
    );

    post.change("truncate auth.mail_outbox").await;
    let ready = post.app.ops.get("/health/ready").send().await.expect(200).json();
    assert_eq!(ready, serde_json::json!({ "status": "ready" }));
}

#[tokio::test]
async fn a_mail_that_cannot_be_opened_is_left_for_its_master_key() {
    let post = Post::start().await;
    let foreign = "insert into auth.mail_outbox (id, kind, mailbox, recipient, parameters, not_after, next_attempt_at)
                   values (gen_random_uuid(), 'new_device', decode(repeat('00', 16), 'hex'), '\\x0900', '\\x0900',
                       clock_timestamp() + interval '1 day', clock_timestamp())";
    post.change(foreign).await;
    fails(&post, "unreadable").await;
    post.until_count("next_attempt_at > clock_timestamp() + interval '5 minutes'", 1).await;
}

#[tokio::test]
async fn a_server_with_tls_and_a_password_gets_mail() {
    let certified = Certified::new().unwrap();
    let tls = Some((certified.text("server.pem").unwrap(), certified.text("server.key").unwrap()));
    for implicit_tls in [false, true] {
        let options = CatcherOptions {
            tls: tls.clone(),
            implicit_tls,
            credentials: Some(("usher".to_owned(), "s3cret word".to_owned())),
        };
        let post = secured(options, &certified.authority().unwrap()).await;
        cause(&post).await;
        let mail = post.mails(1).await.remove(0);
        assert!(mail.is_encrypted && mail.user.as_deref() == Some("usher"), "{mail:?}");
    }
}

#[tokio::test]
async fn a_server_whose_certificate_is_not_trusted_or_that_has_no_tls_gets_nothing() {
    let (certified, other) = (Certified::new().unwrap(), Certified::new().unwrap());
    let tls = Some((certified.text("server.pem").unwrap(), certified.text("server.key").unwrap()));
    for tls in [tls, None] {
        let options = CatcherOptions { tls, ..CatcherOptions::default() };
        let post = secured(options, &other.authority().unwrap()).await;
        cause(&post).await;
        fails(&post, "connection").await;
        assert!(post.catcher.mails().is_empty());
        post.until_count("true", 1).await;
    }
}

/// A service that requires TLS of its mail server, and trusts this authority.
async fn secured(options: CatcherOptions, authority: &str) -> Post {
    let scheme = if options.implicit_tls { "smtps" } else { "smtp" };
    let credentials = options.credentials.clone();
    let catcher = mail_catcher::Catcher::start(options).await.unwrap();
    let url = format!("{scheme}://localhost:{}", catcher.address().port());
    let mut changes = vec![
        ("ADMIN_MAIL_URL", url.as_str()),
        ("ADMIN_MAIL_TLS_CA", authority),
        ("ADMIN_MAIL_FROM", "Cinema <no-reply@cinema.example>"),
        ("ADMIN_PUBLIC_URL", "https://cinema.example"),
        ("ADMIN_REGISTRATION", "open"),
    ];
    let credentials = credentials.unwrap_or_default();
    if !credentials.0.is_empty() {
        changes.extend([("ADMIN_MAIL_USER", &*credentials.0), ("ADMIN_MAIL_PASSWORD", &*credentials.1)]);
    }
    Post { app: TestApp::start_with(&changes).await, catcher }
}
