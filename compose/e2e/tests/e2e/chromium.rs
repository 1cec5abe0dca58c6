//! A real browser: headless Chromium, driven through its `WebDriver`.

use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use harness::http::{get, post};
use harness::{Error, Folder, Launch, Process, ports, programs};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::people::send;

/// How long a page may take to show an expected text.
const LIMIT: Duration = Duration::from_secs(20);

/// How often the page is checked. Each check costs the browser time as well.
const LOOK: Duration = Duration::from_millis(40);

/// A browser with an empty profile, for one test.
pub(crate) struct Browser {
    client: Client,
    driver: Process,
    url: String,
    // Held so that the driver ends with the test.
    _folder: Folder,
}

impl Browser {
    pub(crate) async fn start() -> Self {
        let folder = Folder::temporary().unwrap();
        let port = ports::free().unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let home = folder.path().display().to_string();
        let mut driver = Launch::new("chromedriver", program("chromedriver"), &folder)
            .args([format!("--port={port}")])
            // All files that the browser writes are deleted with the folder.
            .env([("HOME", home.clone()), ("TMPDIR", home.clone())])
            .start()
            .unwrap();
        let status = format!("{url}/status");
        let answers = async || {
            get(&status).try_send().await.is_ok_and(|answer| answer.json()["value"]["ready"] == true)
        };
        driver.ready(answers).await.unwrap();
        let Value::Object(wanted) = capabilities(&home) else { unreachable!("it is an object") };
        let connected = ClientBuilder::new(HttpConnector::new()).capabilities(wanted).connect(&url).await;
        let client = connected.unwrap_or_else(|why| panic!("{why}\n{}", driver.log_end()));
        Self { client, driver, url, _folder: folder }
    }

    /// Opens an address.
    pub(crate) async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// Presses the button with this text, as soon as it exists.
    pub(crate) async fn press(&self, text: &str) {
        self.press_at(Locator::XPath(&format!("//button[normalize-space()='{text}']"))).await;
    }

    /// Presses the button with this form value.
    pub(crate) async fn choose(&self, value: &str) {
        self.press_at(Locator::Css(&format!("button[value='{value}']"))).await;
    }

    /// Types into the field with this label.
    pub(crate) async fn fill(&self, label: &str, text: &str) {
        let field = format!("//input[@id=//label[normalize-space()='{label}']/@for]");
        self.client.find(Locator::XPath(&field)).await.unwrap().send_keys(text).await.unwrap();
    }

    /// Presses a key in the focused element.
    pub(crate) async fn key(&self, key: fantoccini::key::Key) {
        let focused = self.client.active_element().await.unwrap();
        focused.send_keys(&key.to_string()).await.unwrap();
    }

    /// Waits until the page shows `text`.
    pub(crate) async fn sees(&self, text: &str) {
        let seen = async || self.text().await.contains(text);
        if !comes_true(seen).await {
            panic!("{text:?} did not appear at {} in:\n{}", self.address().await, self.text().await);
        }
    }

    /// All that the page shows.
    pub(crate) async fn text(&self) -> String {
        self.run("return document.body?.innerText ?? ''").await
    }

    /// The text that a script returns. Empty while the browser loads another page.
    pub(crate) async fn run(&self, script: &str) -> String {
        let value = self.client.execute(script, Vec::new()).await.unwrap_or_default();
        value.as_str().unwrap_or_default().to_owned()
    }

    /// The address of the page.
    pub(crate) async fn address(&self) -> String {
        self.client.current_url().await.unwrap().to_string()
    }

    /// The console's messages since the last call, each line with its level.
    pub(crate) async fn console(&self) -> Vec<String> {
        let session = self.client.session_id().await.unwrap().unwrap();
        let url = format!("{}/session/{session}/se/log", self.url);
        let answer = send(post(&url).json(&json!({ "type": "browser" }))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let lines = answer.json()["value"].as_array().unwrap().clone();
        lines.iter().map(|line| format!("{} {}", line["level"], line["message"])).collect()
    }

    async fn press_at(&self, button: Locator<'_>) {
        // A page that is redrawn may remove a button after it was found; then it was not pressed.
        let pressed = async || match self.client.find(button).await {
            Ok(found) => found.click().await.is_ok(),
            Err(_) => false,
        };
        if !comes_true(pressed).await {
            panic!("there is no {button:?} at {} in:\n{}", self.address().await, self.text().await);
        }
    }
}

impl Drop for Browser {
    /// The driver does not end its browser when it ends, so both are ended here by process id.
    fn drop(&mut self) {
        let _nothing_left_to_try = self.driver.kill();
    }
}

/// Whether a condition of the page becomes true in time.
async fn comes_true(condition: impl AsyncFn() -> bool) -> bool {
    let looks = async {
        while !condition().await {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(LIMIT, looks).await.is_ok()
}

/// A program of the browser.
fn program(name: &str) -> std::path::PathBuf {
    match programs::installed(name, "chromium-driver") {
        Ok(program) => program,
        Err(Error::NotInstalled { .. }) => panic!(
            "{name} is not installed; `./compose/local test` installs it, and so does: \
             sudo apt-get install --no-install-recommends chromium chromium-driver"
        ),
        Err(other) => panic!("{other}"),
    }
}

fn capabilities(home: &str) -> Value {
    let mut args = vec![
        "--headless=new".to_owned(),
        format!("--user-data-dir={home}/profile"),
        // /dev/shm is small in containers.
        "--disable-dev-shm-usage".to_owned(),
        "--disable-gpu".to_owned(),
        // Chromium sends requests to the system under test only.
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--no-first-run".to_owned(),
    ];
    // When root runs the tests, mostly in containers, Chromium's sandbox cannot be created. All pages are our own.
    if rustix::process::geteuid().is_root() {
        args.push("--no-sandbox".to_owned());
    }
    json!({
        "browserName": "chrome",
        "goog:chromeOptions": { "binary": program("chromium"), "args": args },
        "goog:loggingPrefs": { "browser": "WARNING" },
    })
}

#[test]
#[should_panic(expected = "sudo apt-get install --no-install-recommends chromium chromium-driver")]
fn a_missing_browser_is_reported_with_the_command_that_installs_it() {
    let _none = program("no-such-browser");
}
