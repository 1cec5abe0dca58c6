//! A real browser: Chromium without a screen, told what to do by its driver as a person would do it.

use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use harness::http::{get, post};
use harness::{Error, Folder, Launch, Process, ports, programs};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::people::send;

/// How long a page may take to show something.
const LIMIT: Duration = Duration::from_secs(20);

/// How often it is looked whether it does. A look is work for the browser too, which has other things to do.
const LOOK: Duration = Duration::from_millis(40);

/// A browser of a test's own, which has been nowhere.
pub(crate) struct Browser {
    client: Client,
    driver: Process,
    url: String,
    // Held for its end.
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
            // All that it writes goes with the folder.
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

    /// Goes to an address.
    pub(crate) async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// Presses the button of this text, as soon as there is one.
    pub(crate) async fn press(&self, text: &str) {
        self.press_at(Locator::XPath(&format!("//button[normalize-space()='{text}']"))).await;
    }

    /// Presses the button of this value, which a form sends.
    pub(crate) async fn choose(&self, value: &str) {
        self.press_at(Locator::Css(&format!("button[value='{value}']"))).await;
    }

    /// Types into the field of this label.
    pub(crate) async fn fill(&self, label: &str, text: &str) {
        let field = format!("//input[@id=//label[normalize-space()='{label}']/@for]");
        self.client.find(Locator::XPath(&field)).await.unwrap().send_keys(text).await.unwrap();
    }

    /// Presses a key wherever the focus is.
    pub(crate) async fn key(&self, key: fantoccini::key::Key) {
        let focused = self.client.active_element().await.unwrap();
        focused.send_keys(&key.to_string()).await.unwrap();
    }

    /// Waits until the page shows `text`.
    pub(crate) async fn sees(&self, text: &str) {
        let seen = async || self.text().await.contains(text);
        if !comes_true(seen).await {
            panic!("{text:?} was not to be seen at {} in:\n{}", self.address().await, self.text().await);
        }
    }

    /// All that the page shows.
    pub(crate) async fn text(&self) -> String {
        self.run("return document.body?.innerText ?? ''").await
    }

    /// What a script returns, which is text. Empty while one page makes way for another.
    pub(crate) async fn run(&self, script: &str) -> String {
        let value = self.client.execute(script, Vec::new()).await.unwrap_or_default();
        value.as_str().unwrap_or_default().to_owned()
    }

    /// The address that a person sees.
    pub(crate) async fn address(&self) -> String {
        self.client.current_url().await.unwrap().to_string()
    }

    /// What the console warns of since it was last asked: each line with how bad it is.
    pub(crate) async fn console(&self) -> Vec<String> {
        let session = self.client.session_id().await.unwrap().unwrap();
        let url = format!("{}/session/{session}/se/log", self.url);
        let answer = send(post(&url).json(&json!({ "type": "browser" }))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let lines = answer.json()["value"].as_array().unwrap().clone();
        lines.iter().map(|line| format!("{} {}", line["level"], line["message"])).collect()
    }

    async fn press_at(&self, button: Locator<'_>) {
        // A page that is drawn anew may take a button away after it was found, and then it was not pressed.
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
    /// A driver that is ended leaves its browser; so both are ended here, each by its number.
    fn drop(&mut self) {
        let _nothing_left_to_try = self.driver.kill();
    }
}

/// Whether a condition of the page comes to hold in time.
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
    // Where root runs tests, in containers mostly, its sandbox cannot be made. The pages are our own.
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
