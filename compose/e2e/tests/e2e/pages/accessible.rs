//! Every page, looked at by axe-core: in light and dark, in both languages, 320 px wide; and how heavy it is.

use std::fs;
use std::path::Path;

use harness::environment::variable;

use super::Visit;
use crate::chromium::Browser;
use crate::npm;

const EMAIL: &str = "neo@example.org";

/// The pages that anyone may open.
const OPEN: [&str; 9] = [
    "/account/sign-in",
    "/account/sign-in/code",
    "/account/register",
    "/account/forgot",
    "/account/reset",
    "/account/confirm",
    "/account/email",
    "/account/undo",
    "/account/export",
];

/// Those of the signed-in user.
const OWN: [&str; 11] = [
    "/account/",
    "/account/profile",
    "/account/security",
    "/account/password",
    "/account/address",
    "/account/login",
    "/account/accounts/link?provider=google",
    "/account/sessions",
    "/account/history",
    "/account/data",
    "/account/data/erase",
];

/// The most that a page may weigh with everything that it loads, uncompressed.
const MOST_BYTES: u64 = 50_000;

/// What axe-core finds on the page: each rule, and what breaks it.
const CHECK: &str = "const done = arguments[arguments.length - 1];
    axe.run(document, { resultTypes: ['violations', 'incomplete'] }).then(
        found => done(found.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target + ' ' + n.failureSummary).join('; ')).join('\\n')),
        error => done('' + error))";

/// Whether the page is wider than the window.
const OVERFLOW: &str = "return document.documentElement.scrollWidth > innerWidth ? 'wider' : ''";

/// What the page and its files weigh.
const WEIGHT: &str =
    "return '' + [...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')]
    .reduce((sum, entry) => sum + entry.decodedBodySize, 0)";

/// What looks at the page that a browser shows.
pub(super) struct Look<'b> {
    pub(super) browser: &'b Browser,
    /// The text of axe-core.
    pub(super) axe: String,
}

impl Visit {
    async fn check(&self, look: &Look<'_>, path: &str) {
        self.open(path).await;
        look.at(path).await;
    }
}

impl Look<'_> {
    /// Looks at the page; `path` is for messages and the names of pictures.
    pub(super) async fn at(&self, path: &str) {
        self.browser.sees_any(&["English", "Русский", "not_found"]).await;
        self.browser.evaluate(&self.axe).await;
        assert_eq!(self.browser.run_async(CHECK).await, "", "{path}");
        assert_eq!(self.browser.run(OVERFLOW).await, "", "{path}");
        let weight: u64 = self.browser.run(WEIGHT).await.parse().unwrap();
        assert!((1..MOST_BYTES).contains(&weight), "{path}: {weight}");
        if let Some(folder) = variable("PAGES_PICTURES") {
            let name = path
                .trim_start_matches("/account/")
                .trim_start_matches("/console/")
                .replace(['/', '?', '='], "-");
            let look = self.browser.run("return document.documentElement.lang + innerWidth + (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : '')").await;
            let file = Path::new(&folder).join(format!("{name}-{look}.png"));
            fs::write(file, self.browser.picture().await).unwrap();
        }
    }
}

#[tokio::test]
async fn every_page_is_accessible_in_light_and_dark_in_both_languages_and_narrow() {
    let visit = Visit::begin().await;
    let axe = npm::packages("axe").join("node_modules/axe-core/axe.min.js");
    let look = Look { browser: &visit.browser, axe: fs::read_to_string(axe).unwrap() };
    visit.create(EMAIL);
    let looks = [("en", false, 320), ("ru", true, 320), ("en", true, 1280), ("ru", false, 390)];
    for (language, is_dark, width) in looks {
        visit.browser.forget_all().await;
        visit.browser.emulate(width, is_dark).await;
        visit.open(&format!("/account/sign-in?language={language}")).await;
        for path in OPEN {
            visit.check(&look, path).await;
        }
        // A refusal, beside its fields.
        visit.open("/account/sign-in").await;
        visit.browser.fill_named("identifier", EMAIL).await;
        visit.browser.fill_named("password", "wrong").await;
        visit.browser.submit().await;
        look.at("/account/sign-in-refused").await;
        visit.browser.fill_named("password", crate::people::PASSWORD).await;
        visit.browser.submit().await;
        for path in OWN {
            visit.check(&look, path).await;
        }
        visit.check(&look, "/account/nothing").await;
    }
}
