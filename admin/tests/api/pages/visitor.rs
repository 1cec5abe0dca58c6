//! A browser without scripts: it keeps cookies, and sends the forms of the pages that it was shown.

use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::header::HeaderValue;

use super::OWN;
use crate::support::{Browser, Call, Cinema, Client, PUBLIC_URL, Reply, TestApp};

/// A browser.
#[derive(Clone)]
pub(crate) struct Visitor {
    client: Client,
    /// The origin of the pages.
    own: &'static str,
    /// The path of the sign-in.
    sign_in_path: &'static str,
    /// What every cookie says.
    same_site: &'static str,
    pub(crate) cookies: BTreeMap<String, String>,
    /// The page that it shows.
    pub(crate) page: String,
}

impl Visitor {
    pub(crate) fn new(app: &TestApp) -> Self {
        Self {
            client: app.client.clone(),
            own: OWN,
            sign_in_path: "/account/sign-in",
            same_site: "SameSite=Lax",
            cookies: BTreeMap::new(),
            page: String::new(),
        }
    }

    /// Of a service with identity providers.
    pub(crate) fn of_cinema(cinema: &Cinema) -> Self {
        Self { own: PUBLIC_URL, ..Self::new(&cinema.app) }
    }

    /// A browser at the console, whose origin is `own`.
    pub(crate) fn of_console(app: &TestApp, own: &'static str) -> Self {
        Self {
            client: app.console.clone().expect("the console is served"),
            own,
            sign_in_path: "/console/sign-in",
            same_site: "SameSite=Strict",
            cookies: BTreeMap::new(),
            page: String::new(),
        }
    }

    /// A request with its cookies, as a page of the own origin sends it.
    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        let is_get = method == Method::GET;
        let call = self.call_plain(method, path).header("sec-fetch-site", "same-origin");
        if is_get { call } else { call.header("origin", self.own) }
    }

    /// The same without what a browser says about the page that sends it.
    pub(crate) fn call_plain(&self, method: Method, path: &str) -> Call {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        // A script may set cookies of any bytes.
        let cookies = HeaderValue::from_bytes(cookies.join("; ").as_bytes()).unwrap();
        self.client.call(method, path).header("accept", "text/html").header_value("cookie", cookies)
    }

    /// Keeps the cookies of a response.
    pub(crate) fn keep(&mut self, reply: &Reply) {
        for line in reply.headers.get_all("set-cookie") {
            let text = line.to_str().unwrap();
            let hidden = format!("Secure; HttpOnly; {}", self.same_site);
            assert!(text.contains("; Path=/; ") && text.contains(&hidden), "{text}");
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            assert!(name.starts_with("__Host-"), "{text}");
            if text.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Opens a page.
    pub(crate) async fn open(&mut self, path: &str) -> Reply {
        let reply = self.call(Method::GET, path).send().await;
        self.keep(&reply);
        self.page = reply.text.clone();
        reply
    }

    /// Sends a form with these fields, and the token of the page that it shows.
    pub(crate) async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let body = self.body(fields);
        let call = self.call(Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
        let reply = call.body(body).send().await;
        self.keep(&reply);
        self.page = reply.text.clone();
        reply
    }

    /// The same, and goes to the page that it is led to.
    pub(crate) async fn submit_and_follow(&mut self, path: &str, fields: &[(&str, &str)]) -> String {
        let reply = self.submit(path, fields).await.expect(303);
        let next = reply.header("location").to_owned();
        self.open(&next).await.expect(200);
        next
    }

    /// Chooses a person at the provider to which a page leads, and comes back to the page that the service leads to.
    pub(crate) async fn choose(&mut self, at: &str, person: &str) -> String {
        let browser = Browser::of_client(&self.client);
        let back = browser.choose(&at.parse().unwrap(), person).await;
        let led = self.open(&back).await.expect(303);
        led.header("location").strip_prefix(self.own).unwrap_or_else(|| led.header("location")).to_owned()
    }

    /// Signs in through a provider.
    pub(crate) async fn sign_in_through(&mut self, provider: &str, person: &str) {
        let back: String =
            url::form_urlencoded::byte_serialize(format!("{}/account/signed-in", self.own).as_bytes())
                .collect();
        let started =
            self.open(&format!("/api/v1/oauth/{provider}/login?return_to={back}")).await.expect(302);
        let at = started.header("location").to_owned();
        let signed_in = self.choose(&at, person).await;
        self.open(&signed_in).await.expect(303);
    }

    /// The address of another origin to which the page leads.
    pub(crate) fn way_on(&self) -> String {
        let link = self.page.split_once("<a class=\"button\" href=\"").map_or("", |(_, rest)| rest);
        link.split('"').next().unwrap_or_default().replace("&#38;", "&").replace("&amp;", "&")
    }

    /// The body of a form of the page that it shows.
    pub(crate) fn body(&self, fields: &[(&str, &str)]) -> String {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.append_pair("form_token", &self.hidden("form_token"));
        body.extend_pairs(fields).finish()
    }

    /// The value of any field of the page.
    pub(crate) fn hidden_or_shown(&self, name: &str) -> String {
        let rest = self.page.split_once(&format!("name=\"{name}\"")).map_or("", |(_, rest)| rest);
        let field = rest.split('>').next().unwrap_or_default();
        let value = field.split_once("value=\"").map_or("", |(_, value)| value);
        value.split('"').next().unwrap_or_default().to_owned()
    }

    /// The value of a hidden field of the page.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let field = format!("name=\"{name}\" value=\"");
        let rest = self.page.split_once(&field).map(|(_, rest)| rest);
        rest.and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
    }

    /// Signs in with a password.
    pub(crate) async fn sign_in(&mut self, name: &str, password: &str) -> Reply {
        self.open(self.sign_in_path).await.expect(200);
        self.submit(self.sign_in_path, &[("identifier", name), ("password", password)]).await
    }
}
