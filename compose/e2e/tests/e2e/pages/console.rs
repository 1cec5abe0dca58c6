//! An operator's day at the console by the keyboard alone, and every page of it looked at by axe-core.

use std::fs;

use harness::http::get;
use harness::ports;

use super::{Visit, accessible::Look};
use crate::chromium::{Browser, Key};
use crate::npm;
use crate::people::{PASSWORD, send};

const ROOT: &str = "morpheus@example.org";
const VIEWER: &str = "neo@example.org";

/// The pages without a user or a role in their path.
const PAGES: [&str; 10] = [
    "/console/",
    "/console/people",
    "/console/invite",
    "/console/sessions",
    "/console/roles",
    "/console/create-role",
    "/console/permissions",
    "/console/audit",
    "/console/revocations",
    "/console/system",
];

/// The console of a system, and a browser that shows it.
struct Console {
    visit: Visit,
    url: String,
}

impl Console {
    async fn begin() -> Self {
        let url = format!("http://127.0.0.1:{}", ports::free().unwrap());
        let builder = super::builder()
            .admin("ADMIN_CONSOLE_LISTEN", &url.replace("http://", "tcp:"))
            .admin("ADMIN_CONSOLE_URL", &url);
        let (stack, browser) = tokio::join!(builder.start(), Browser::start());
        let visit = Visit { browser, stack: stack.unwrap() };
        visit.create(VIEWER);
        let admin = &visit.stack.admins[0];
        admin.command(&["superuser", "create", ROOT], &format!("{PASSWORD}\n")).unwrap();
        Self { visit, url }
    }

    async fn open(&self, path: &str) {
        self.visit.browser.open(&format!("{}{path}", self.url)).await;
    }

    async fn sign_in(&self) {
        let browser = &self.visit.browser;
        self.open("/console/sign-in?language=en").await;
        browser.focuses("E-mail address or login name").await.types(ROOT).await;
        browser.tab_to("Password").await.types(PASSWORD).await;
        browser.key(Key::Enter).await;
        browser.sees("Your permissions").await;
    }
}

#[tokio::test]
async fn an_operators_day_by_keyboard_alone() {
    let console = Console::begin().await;
    let browser = &console.visit.browser;
    console.sign_in().await;

    // Creates a role, with a mistake first: nothing that was typed is lost.
    browser.tab_to("Roles").await.key(Key::Enter).await;
    browser.tab_to("Create a role").await.key(Key::Enter).await;
    browser.focuses("Name").await.types("subscriber").await;
    browser.tab_to("Permissions").await.types("films").await;
    browser.key(Key::Enter).await;
    browser.sees("A permission is like films:watch").await;
    browser.focuses("Permissions").await.retypes("films:watch").await;
    browser.key(Key::Enter).await;
    browser.sees("The role is created.").await;

    // Finds a user, assigns the role, and sees why the user has a permission.
    browser.tab_to("Users").await.key(Key::Enter).await;
    browser.focuses("Search for users").await.types("neo").await;
    browser.key(Key::Enter).await;
    browser.tab_to(VIEWER).await.key(Key::Enter).await;
    browser.tab_to("Assign a role").await.key(Key::Enter).await;
    browser.focuses("Role").await.types("subscriber").await;
    browser.key(Key::Enter).await;
    browser.sees("The role is assigned.").await;
    browser.tab_to("Permission").await.types("films:watch").await;
    browser.key(Key::Enter).await;
    browser.sees("assigned role").await;

    // Disables the account, after the console has said what that ends; the audit log has it.
    browser.back().await;
    browser.tab_to("Disable the account").await.key(Key::Enter).await;
    browser.sees("Sessions that end at once: 0.").await;
    browser.tab_to("Disable the account").await.key(Key::Enter).await;
    browser.sees("The account is disabled.").await;
    browser.tab_to("What operators did with this account").await.key(Key::Enter).await;
    browser.sees("Account disabled").await;
    browser.tab_to("Verify").await.key(Key::Enter).await;
    browser.sees("The audit log is intact.").await;

    // Deletes the role after a dry run.
    console.open("/console/roles/subscriber").await;
    browser.tab_to("Delete the role").await.key(Key::Enter).await;
    browser.sees("Users who lose it: 1.").await;
    browser.tab_to("Delete the role").await.key(Key::Enter).await;
    browser.sees("The role is deleted.").await;

    browser.tab_to("Sign out").await.key(Key::Enter).await;
    browser.sees("You are signed out.").await;
    // Chromium reports each refusal of a form as a resource that could not be loaded.
    let mut faults = browser.console().await;
    faults.retain(|line| !line.contains("Failed to load resource"));
    assert_eq!(faults, Vec::<String>::new());
}

#[tokio::test]
async fn every_page_of_the_console_is_accessible_in_light_and_dark_and_narrow() {
    let console = Console::begin().await;
    let browser = &console.visit.browser;
    let axe = npm::packages("axe").join("node_modules/axe-core/axe.min.js");
    let look = Look { browser, axe: fs::read_to_string(axe).unwrap() };
    for (language, is_dark, width) in [("en", false, 1280), ("ru", true, 320)] {
        browser.forget_all().await;
        browser.emulate(width, is_dark).await;
        console.sign_in().await;
        console.open(&format!("/console/?language={language}")).await;
        for path in PAGES {
            console.open(path).await;
            look.at(path).await;
        }
        console.open("/console/people?query=neo").await;
        let person = browser.run("return document.querySelector('.list a').getAttribute('href')").await;
        for page in ["", "/history", "/explain?permission=films:watch", "/assign-role", "/erase", "/merge"] {
            console.open(&format!("{person}{page}")).await;
            look.at(&format!("/console/person{page}")).await;
        }
        console.open("/console/revocations/revoke?kind=user").await;
        look.at("/console/revocations/revoke").await;
    }
}

#[tokio::test]
async fn the_console_opens_for_no_link_of_another_site_and_shares_no_session() {
    let console = Console::begin().await;
    let (visit, browser) = (&console.visit, &console.visit.browser);
    for path in ["/console/", "/console/sign-in", "/console/assets/x"] {
        assert_eq!(send(get(&visit.stack.gateway(path))).await.status, 404, "{path}");
    }
    console.sign_in().await;
    // Another port of the same host is the same site: the browser sends the cookie there, and nothing counts it.
    visit.open("/account/").await;
    browser.sees("E-mail address or login name").await;
    browser.run(&format!("location.href = '{}/console/people'; return ''", console.url)).await;
    browser.sees("cross_site_refused").await;
    console.open("/console/people").await;
    browser.sees("Search for users").await;
}
