//! The pages in a real browser, through nginx: what a viewer sees, and what another origin cannot do.

mod accessible;
mod console;
mod keyboard;
mod other_origins;
mod providers;
mod tabs;

use harness::http::get;
use harness::wait::until;
use harness::{Builder, Stack};

use crate::chromium::Browser;
use crate::people::{PASSWORD, send};
use crate::support::LIMIT;

/// A location of the cinema at which its pages change something.
const LISTS: &str = "location /api/v1/lists/ {
    set $auth_policy \"user;cookie=own-pages\";
    include snippets/protect.conf;
    include snippets/origin.conf;
}";

/// A system with mail and identity providers, and a browser that shows its pages.
struct Visit {
    browser: Browser,
    stack: Stack,
}

/// A system with mail and identity providers.
fn builder() -> Builder {
    Stack::builder().providers().mail().nginx("", LISTS)
}

impl Visit {
    async fn begin() -> Self {
        let (stack, browser) = tokio::join!(builder().start(), Browser::start());
        Self { browser, stack: stack.unwrap() }
    }

    /// Opens a page of the account.
    async fn open(&self, path: &str) {
        self.browser.open(&self.stack.gateway(path)).await;
    }

    /// Creates a user with a proven address.
    fn create(&self, email: &str) {
        self.stack.admins[0]
            .command(&["users", "create", "--email", email, "--verified", "--password-stdin"], PASSWORD)
            .unwrap();
    }

    /// Signs in with a password.
    async fn sign_in(&self, email: &str) {
        self.open("/account/sign-in?language=en").await;
        self.browser.fill("E-mail address or login name", email).await;
        self.browser.fill("Password", PASSWORD).await;
        self.browser.press("Sign in").await;
        self.browser.sees("Sign out").await;
    }

    /// The mails to an address so far.
    async fn mails(&self, to: &str) -> Vec<serde_json::Value> {
        let inbox = format!("{}mails", self.stack.mail.as_ref().unwrap().inbox());
        let mails = send(get(&inbox)).await.json();
        let is_to = |mail: &&serde_json::Value| mail["to"].to_string().contains(to);
        mails.as_array().unwrap().iter().filter(is_to).cloned().collect()
    }

    /// The text of the newest mail to an address, as soon as there are so many.
    async fn mail(&self, to: &str, count: usize) -> String {
        let newest = async || {
            let own = self.mails(to).await;
            (own.len() >= count).then(|| own.last().unwrap()["text"].as_str().unwrap().to_owned())
        };
        until("the mail arrives", LIMIT, async || newest().await.is_some()).await.unwrap();
        newest().await.unwrap()
    }
}

/// The code in a mail: its first word of six digits.
fn code_in(mail: &str) -> String {
    let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    mail.split_whitespace().find(is_code).unwrap_or_else(|| panic!("no code in {mail}")).to_owned()
}
