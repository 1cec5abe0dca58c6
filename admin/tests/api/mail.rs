//! Mail: what is sent, when, and what a mail server that fails changes.

mod addresses;
mod codes;
mod delayed;
mod delivery;
mod email_change;
mod erasure;
mod links;
mod mailboxes;
mod notices;
mod operators;
mod postfix;
mod recovery;
mod registration;
mod rotation;
mod sign_in;
mod undo;

pub(crate) use email_change::prove_address_of_another_account;

use std::time::Duration;

use mail_catcher::{Catcher, CatcherOptions, CaughtMail};

use crate::support::{TestApp, until};

/// A service, and the mail server that catches what it sends.
pub(crate) struct Post {
    pub(crate) app: TestApp,
    pub(crate) catcher: Catcher,
}

impl Post {
    /// With the usual mail server.
    pub(crate) async fn start() -> Self {
        Self::start_with(CatcherOptions::default(), &[]).await
    }

    /// With a mail server of these options, and with some variables changed.
    pub(crate) async fn start_with(options: CatcherOptions, changes: &[(&'static str, &str)]) -> Self {
        let catcher = Catcher::start(options).await.unwrap();
        let url = format!("smtp://{}", catcher.address());
        let usual = [
            ("ADMIN_MAIL_URL", url.as_str()),
            ("ADMIN_MAIL_TLS", "none"),
            ("ADMIN_MAIL_FROM", "Cinema <no-reply@cinema.example>"),
            ("ADMIN_PUBLIC_URL", "https://cinema.example"),
            // Most tests begin with a user whose address is not proven.
            ("ADMIN_REGISTRATION", "open"),
        ];
        let changes: Vec<_> = usual.into_iter().chain(changes.iter().copied()).collect();
        Self { app: TestApp::start_with(&changes).await, catcher }
    }

    /// Waits for this many mails, and returns them.
    pub(crate) async fn mails(&self, count: usize) -> Vec<CaughtMail> {
        let caught = async || Some(self.catcher.mails()).filter(|mails| mails.len() >= count);
        let mails = until("the mails are caught", caught).await;
        assert_eq!(mails.len(), count, "{mails:?}");
        mails
    }

    /// Waits for a mail to this address that is not the first one, if there were `before`, and returns it.
    pub(crate) async fn next_mail(&self, to: &str, before: usize) -> CaughtMail {
        until("a mail to the address is caught", async || {
            self.catcher.mails().into_iter().filter(|mail| mail.to == [to]).nth(before)
        })
        .await
    }

    /// Waits until this many rows of the outbox fulfil the condition.
    pub(crate) async fn until_count(&self, condition: &str, count: i64) {
        let sql = self.app.sql().await;
        let query = format!("select count(*) from auth.mail_outbox where {condition}");
        until("the outbox is as expected", async || {
            let found: i64 = sql.query_one(&query, &[]).await.unwrap().get(0);
            (found == count).then_some(())
        })
        .await;
    }

    /// Waits until an attempt to send the only mail has failed: it is due again sooner than the lease of an attempt ends.
    pub(crate) async fn until_postponed(&self) {
        self.until_count("attempts > 0 and next_attempt_at < clock_timestamp() + interval '30 seconds'", 1)
            .await;
    }

    /// Changes the outbox, and wakes the workers.
    pub(crate) async fn change(&self, sql: &str) {
        self.app.sql().await.batch_execute(&format!("{sql}; notify usher_mail")).await.unwrap();
    }

    /// Lets everything that waits be sent now.
    pub(crate) async fn retry(&self) {
        self.change("update auth.mail_outbox set next_attempt_at = clock_timestamp()").await;
    }

    /// The value of a metric with these labels.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let text = self.app.ops.get("/metrics").send().await.expect(200).text;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or("0").parse().unwrap()
    }
}

/// The code in a mail.
pub(crate) fn code_in(mail: &CaughtMail) -> String {
    let (_, rest) = mail.text.split_once("Code: ").expect("a code");
    rest.lines().next().expect("a line").trim().to_owned()
}

/// Another code of six digits.
pub(crate) fn other_code(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().expect("six digits") + 1) % 1_000_000)
}

/// A timeout that makes a test of a slow server short.
pub(crate) const SHORT: (&str, &str) = ("ADMIN_MAIL_TIMEOUT", "1s");

/// Longer than a request may take if it does not wait for the mail server.
pub(crate) const PROMPT: Duration = Duration::from_secs(10);
