//! A real browser: headless Chromium, driven through its `WebDriver`.

use std::time::Duration;

pub(crate) use fantoccini::key::Key;
use fantoccini::wd::WindowHandle;
use fantoccini::{Client, ClientBuilder, Locator};
use harness::http::{get, post};
use harness::{Error, Folder, Launch, Process, ports, programs};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::people::send;

/// How long a page may take to show an expected text.
const LIMIT: Duration = Duration::from_secs(20);

/// More elements than a page has that can have the focus.
const MOST_TABS: usize = 40;

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
        self.press_at(Locator::XPath(&format!(
            "//button[normalize-space()='{text}' or @aria-label='{text}']"
        )))
        .await;
    }

    /// Presses the button with this form value.
    pub(crate) async fn choose(&self, value: &str) {
        self.press_at(Locator::Css(&format!("button[value='{value}']"))).await;
    }

    /// Types into the field with this label.
    pub(crate) async fn fill(&self, label: &str, text: &str) {
        let field = format!("//input[@id=//label[normalize-space(text()[1])='{label}']/@for]");
        let is_there = async || self.client.find(Locator::XPath(&field)).await.is_ok();
        comes_true(is_there).await;
        let field = self.client.find(Locator::XPath(&field)).await;
        let field = match field {
            Ok(field) => field,
            Err(why) => panic!("{label:?}: {why} at {} in:\n{}", self.address().await, self.text().await),
        };
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Types into the field with this name, instead of what is there.
    pub(crate) async fn fill_named(&self, name: &str, text: &str) {
        let field = self.client.find(Locator::Css(&format!("input[name='{name}']"))).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Sends the first form of the content.
    pub(crate) async fn submit(&self) {
        self.press_at(Locator::Css("main form button:not([type=button])")).await;
    }

    /// Presses the button with this text twice, as fast as a person who double-clicks.
    pub(crate) async fn press_twice(&self, text: &str) {
        let script = format!(
            "const button = [...document.querySelectorAll('main button')].find(b => b.textContent.trim() === '{text}');
             button.click(); button.click(); return ''"
        );
        self.run(&script).await;
    }

    /// Follows the link with this text, as soon as it exists.
    pub(crate) async fn follow(&self, text: &str) {
        self.press_at(Locator::XPath(&format!("//a[normalize-space()='{text}']"))).await;
    }

    /// Goes to the element with this name by the tabulator alone.
    pub(crate) async fn tab_to(&self, name: &str) -> &Self {
        let mut seen = Vec::new();
        for _ in 0..MOST_TABS {
            self.key(Key::Tab).await;
            let focused = self.focused().await;
            if focused == name {
                return self;
            }
            seen.push(focused);
        }
        panic!("the tabulator does not lead to {name:?} at {}, only to {seen:?}", self.address().await)
    }

    /// Types into the focused element.
    pub(crate) async fn types(&self, text: &str) {
        self.client.active_element().await.unwrap().send_keys(text).await.unwrap();
    }

    /// The same instead of what is there.
    pub(crate) async fn retypes(&self, text: &str) {
        let all = format!("{}a{}", char::from(Key::Control), char::from(Key::Null));
        self.types(&all).await;
        self.types(text).await;
    }

    /// The name of the focused element: its label, or else its text.
    pub(crate) async fn focused(&self) -> String {
        self.run(
            "const focused = document.activeElement;
             const label = focused.labels?.[0]?.firstChild?.textContent;
             return (label ?? focused.getAttribute('aria-label') ?? focused.textContent ?? '').trim()",
        )
        .await
    }

    /// Waits until the element with this name has the focus.
    pub(crate) async fn focuses(&self, name: &str) -> &Self {
        if !comes_true(async || self.focused().await == name).await {
            panic!("{:?} has the focus at {}, not {name:?}", self.focused().await, self.address().await);
        }
        self
    }

    /// What is in the field with this label.
    pub(crate) async fn value(&self, label: &str) -> String {
        let script = format!(
            "return [...document.querySelectorAll('input')]
                .find(field => field.labels?.[0]?.firstChild?.textContent.trim() === '{label}')?.value ?? ''"
        );
        self.run(&script).await
    }

    /// Presses a key in the focused element.
    pub(crate) async fn key(&self, key: Key) {
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

    /// Waits until the page shows one of these.
    pub(crate) async fn sees_any(&self, texts: &[&str]) {
        let seen = async || {
            let shown = self.text().await;
            texts.iter().any(|text| shown.contains(text))
        };
        if !comes_true(seen).await {
            panic!("none of {texts:?} appeared at {} in:\n{}", self.address().await, self.text().await);
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

    /// The text with which a script calls back.
    pub(crate) async fn run_async(&self, script: &str) -> String {
        let value = self.client.execute_async(script, Vec::new()).await.unwrap();
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Runs a script as the browser itself does, whatever the policy of the page is.
    pub(crate) async fn evaluate(&self, script: &str) {
        self.control("Runtime.evaluate", &json!({ "expression": script })).await;
    }

    /// Lets no page run a script.
    pub(crate) async fn disable_scripts(&self) {
        self.control("Emulation.setScriptExecutionDisabled", &json!({ "value": true })).await;
    }

    /// Gives the window a width, and the user a wish for light or dark.
    pub(crate) async fn emulate(&self, width: u32, is_dark: bool) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.control("Emulation.setDeviceMetricsOverride", &size).await;
        let wish = if is_dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": wish }] });
        self.control("Emulation.setEmulatedMedia", &media).await;
    }

    /// Forgets a cookie, as the browser does when it has expired.
    pub(crate) async fn forget(&self, cookie: &str) {
        self.client.delete_cookie(cookie).await.unwrap();
    }

    /// Forgets all cookies.
    pub(crate) async fn forget_all(&self) {
        self.client.delete_all_cookies().await.unwrap();
    }

    /// A picture of the whole page, as PNG.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        let height: u64 =
            self.run("return '' + document.documentElement.scrollHeight").await.parse().unwrap();
        let width: u64 = self.run("return '' + innerWidth").await.parse().unwrap();
        let size =
            json!({ "width": width, "height": height.max(700), "deviceScaleFactor": 1, "mobile": false });
        self.control("Emulation.setDeviceMetricsOverride", &size).await;
        self.client.screenshot().await.unwrap()
    }

    /// The tab that is shown.
    pub(crate) async fn tab(&self) -> WindowHandle {
        self.client.window().await.unwrap()
    }

    /// Opens another tab, and shows it.
    pub(crate) async fn new_tab(&self) -> WindowHandle {
        let tab = self.client.new_window(true).await.unwrap().handle;
        self.switch_to(&tab).await;
        tab
    }

    /// Shows a tab.
    pub(crate) async fn switch_to(&self, tab: &WindowHandle) {
        self.client.switch_to_window(tab.clone()).await.unwrap();
    }

    /// Presses the button for going back.
    pub(crate) async fn back(&self) {
        self.client.back().await.unwrap();
    }

    /// A command of the `DevTools` protocol.
    async fn control(&self, command: &str, parameters: &Value) {
        let session = self.client.session_id().await.unwrap().unwrap();
        let url = format!("{}/session/{session}/goog/cdp/execute", self.url);
        let answer = send(post(&url).json(&json!({ "cmd": command, "params": parameters }))).await;
        assert_eq!(answer.status, 200, "{command}: {}", answer.text);
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
