//! What pages of other origins try with the cookies of a viewer: of another site, and of the same one at another port, to
//! which browsers send the cookies.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::Visit;

const EMAIL: &str = "neo@example.org";

/// A form that the browser sends as soon as the script runs.
fn form(action: &str) -> String {
    format!(
        "const form = document.createElement('form'); form.method = 'post'; form.action = '{action}';
         document.documentElement.append(form); form.submit(); return ''"
    )
}

/// A page of another origin, for as long as the test runs. Returns its port.
async fn serve_page() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _read = stream.read(&mut request).await;
            let page = "<!doctype html><title>Elsewhere</title>";
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n";
            let answer = format!("{head}Content-Length: {}\r\n\r\n{page}", page.len());
            let _sent = stream.write_all(answer.as_bytes()).await;
        }
    });
    port
}

/// A request whose outcome is not readable.
fn fetching(url: &str, options: &str) -> String {
    format!(
        "const done = arguments[arguments.length - 1];
         fetch('{url}', {{ credentials: 'include', ...{options} }}).then(r => done('' + r.status), e => done('refused'))"
    )
}

#[tokio::test]
async fn pages_of_other_origins_change_nothing_and_read_nothing() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    visit.create(EMAIL);
    visit.sign_in(EMAIL).await;
    let port = serve_page().await;
    for attacker in [format!("http://127.0.0.1:{port}/"), format!("http://localhost:{port}/")] {
        for path in
            ["/account/sign-out", "/account/sessions/end-others", "/account/data/erase", "/account/sign-in"]
        {
            browser.open(&attacker).await;
            browser.run(&form(&visit.stack.gateway(path))).await;
            // A viewer of another site is not even recognised; one of the same site is refused.
            browser
                .sees_any(&["The form is out of date, or did not come from this site.", "Member since"])
                .await;
        }
        browser.open(&attacker).await;
        for (path, options) in [
            ("/account/sign-out", "{ method: 'POST', mode: 'no-cors' }"),
            ("/api/v1/auth/logout-all", "{ method: 'POST', mode: 'no-cors' }"),
            ("/api/v1/auth/logout-all", "{ method: 'POST', headers: { 'X-Usher-Mode': 'cookie' } }"),
            ("/api/v1/me/erase", "{ method: 'POST', headers: { 'X-Usher-Mode': 'cookie' } }"),
            ("/api/v1/lists/watched", "{ method: 'POST', headers: { 'X-Usher-Mode': 'cookie' } }"),
            ("/api/v1/me", "{ headers: { 'X-Usher-Mode': 'cookie' } }"),
            ("/account/", "{}"),
        ] {
            let outcome = browser.run_async(&fetching(&visit.stack.gateway(path), options)).await;
            assert!(["refused", "0"].contains(&outcome.as_str()), "{attacker} {path} {options}: {outcome}");
        }
        // A script of the attacker does not see the cookies of this host at all.
        assert!(!browser.run("return document.cookie").await.contains("__Host"));
    }
    visit.open("/account/sessions").await;
    browser.sees("This device").await;
    assert!(!browser.text().await.contains("Sign out all other devices"), "there is one session");

    // A page of the own origin may do what the attackers tried. The policy of our own pages lets no script send requests.
    browser.open(&visit.stack.gateway("/api/v1/genres/")).await;
    assert_eq!(browser.run("return document.cookie").await, "", "no script sees a token");
    let own = "{ method: 'POST', headers: { 'X-Usher-Mode': 'cookie' } }";
    let lists = visit.stack.gateway("/api/v1/lists/watched");
    // Which the small cinema does not know.
    assert_eq!(browser.run_async(&fetching(&lists, own)).await, "404");
    assert_eq!(browser.run_async(&fetching(&lists, "{ method: 'POST' }")).await, "401");
    let all = visit.stack.gateway("/api/v1/auth/logout-all");
    assert_eq!(browser.run_async(&fetching(&all, "{ method: 'POST' }")).await, "401");
    assert_eq!(browser.run_async(&fetching(&all, own)).await, "200");
    visit.open("/account/").await;
    browser.sees("E-mail address or login name").await;
}
