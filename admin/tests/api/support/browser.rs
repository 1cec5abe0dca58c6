//! A service with every provider, and browsers that sign in through them.

use mock_providers::{Client as Registered, Config, Person, Provider, Providers};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::{Call, Client, Pair, Reply, TestApp};

/// What browsers reach the service under, as far as providers know.
pub const PUBLIC_URL: &str = "https://cinema.test";

/// A page that may be returned to.
pub const PAGE: &str = "https://cinema.test/sign-in/";

/// Who we are at every provider.
pub const CLIENT_ID: &str = "cinema-client";

/// Proof of it.
pub const CLIENT_SECRET: &str = "canary-client-secret";

/// A service, and the providers that it asks.
pub struct Cinema {
    /// The service.
    pub app: TestApp,
    /// The providers.
    pub providers: Providers,
}

/// A browser: what it keeps is one cookie.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    cookie: Option<String>,
}

impl Cinema {
    /// With the usual configuration.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With some variables set otherwise.
    pub async fn start_with(changes: &[(&'static str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let providers = Providers::start(listener, Config::default()).expect("they start");
        for provider in Provider::ALL {
            let callback = format!("{PUBLIC_URL}/api/v1/oauth/{provider}/callback");
            let (id, secret) = (CLIENT_ID.to_owned(), CLIENT_SECRET.to_owned());
            let client = Registered { provider, id, secret, redirect_uris: vec![callback] };
            providers.put_client(client).expect("it is a client");
        }
        let mut vars = variables(&providers);
        vars.extend(changes.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let vars: Vec<(&'static str, &str)> =
            vars.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let cinema = Self { app: TestApp::start_with(&vars).await, providers };
        for provider in Provider::ALL {
            // With an address of her own at each, so that nothing is linked unasked.
            cinema.somebody(provider, "anna", Some(&format!("anna@{provider}.example.org")), true);
        }
        cinema
    }

    /// A browser that has been nowhere.
    pub fn browser(&self) -> Browser {
        Browser::of(&self.app)
    }

    /// Adds somebody to a provider, with an address that it says is verified or not.
    pub fn somebody(&self, provider: Provider, key: &str, email: Option<&str>, email_verified: bool) {
        let subject = format!("{}{}", 77, key.bytes().map(u64::from).sum::<u64>());
        let person = Person {
            name: Some(key.to_owned()),
            email: email.map(str::to_owned),
            email_verified,
            // Google decides about addresses of organisations that it hosts.
            hd: (provider == Provider::Google && email_verified).then(|| "example.org".to_owned()),
            ..Person::new(provider, key, &subject)
        };
        self.providers.put_person(person).expect("it is a person");
    }

    /// A row of `/api/v1/me`.
    pub async fn me(&self, pair: &Pair) -> Value {
        self.app.client.get("/api/v1/me").bearer(&pair.access).send().await.expect(200).json()
    }

    /// What is linked to somebody: the provider and the rule, the first linked first.
    pub async fn linked(&self, pair: &Pair) -> Vec<(String, u64)> {
        let reply = self.app.client.get("/api/v1/me/accounts").bearer(&pair.access).send().await;
        let items = reply.expect(200).json()["items"].as_array().expect("items").clone();
        let read = |item: &Value| {
            (
                item["provider"].as_str().expect("a name").to_owned(),
                item["linked_rule"].as_u64().expect("a rule"),
            )
        };
        items.iter().map(read).collect()
    }
}

/// Every provider, at the address of those that are played.
fn variables(providers: &Providers) -> Vec<(&'static str, String)> {
    let at = |provider: Provider, path: &str| format!("{}{path}", providers.url_of(provider));
    let mut vars = vec![
        ("ADMIN_PUBLIC_URL", PUBLIC_URL.to_owned()),
        ("ADMIN_OAUTH_RETURN_TO", PAGE.to_owned()),
        ("ADMIN_OAUTH_GOOGLE_KEYS_URL", at(Provider::Google, "/oauth2/v3/certs")),
        ("ADMIN_OAUTH_GITHUB_EMAILS_URL", at(Provider::GitHub, "/user/emails")),
    ];
    for (provider, authorize, token, user) in [
        (Provider::Google, "/o/oauth2/v2/auth", "/token", "/v1/userinfo"),
        (Provider::Yandex, "/authorize", "/token", "/info?format=json"),
        (Provider::Vk, "/authorize", "/oauth2/auth", "/oauth2/user_info"),
        (Provider::MailRu, "/login", "/token", "/userinfo"),
        (Provider::GitHub, "/login/oauth/authorize", "/login/oauth/access_token", "/user"),
        (Provider::X, "/i/oauth2/authorize", "/2/oauth2/token", "/2/users/me?user.fields=confirmed_email"),
        (Provider::Facebook, "/v24.0/dialog/oauth", "/v24.0/oauth/access_token", "/me?fields=id,name,email"),
    ] {
        let values = [
            ("CLIENT_ID", CLIENT_ID.to_owned()),
            ("CLIENT_SECRET", CLIENT_SECRET.to_owned()),
            ("AUTHORIZE_URL", at(provider, authorize)),
            ("TOKEN_URL", at(provider, token)),
            ("USER_URL", at(provider, user)),
        ];
        let names = values.map(|(what, value)| {
            let name = format!("ADMIN_OAUTH_{}_{what}", provider.name().to_ascii_uppercase());
            // As long as a test runs; names of variables are static elsewhere.
            let name: &'static str = Box::leak(name.into_boxed_str());
            (name, value)
        });
        vars.extend(names);
    }
    vars
}

impl Browser {
    /// One that asks this replica, and has been nowhere.
    pub fn of(app: &TestApp) -> Self {
        Self { client: app.client.clone(), cookie: None }
    }

    /// What it keeps.
    pub fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// Keeps the cookie of an answer.
    pub fn keep(&mut self, reply: &Reply) {
        if let Some(set) = reply.headers.get("set-cookie") {
            let text = set.to_str().expect("visible ASCII");
            self.cookie = text.split(';').next().map(str::to_owned);
        }
    }

    /// A call with what the browser keeps.
    pub fn call(&self, method: Method, path: &str) -> Call {
        let call = self.client.call(method, path);
        match &self.cookie {
            Some(cookie) => call.header("cookie", cookie),
            None => call,
        }
    }

    /// Begins to sign in, and is sent to this address.
    pub async fn depart(&mut self, provider: Provider, query: &str) -> Url {
        let reply = self.call(Method::GET, &format!("/api/v1/oauth/{provider}/login{query}")).send().await;
        let reply = reply.expect(302);
        self.keep(&reply);
        reply.header("location").parse().expect("an address")
    }

    /// Chooses somebody at the provider, or to refuse, and is sent to this path with its query.
    pub async fn choose(&self, at: &Url, person: &str) -> String {
        let client = Client::new("");
        let base = at.to_string();
        let reply = client.get(&base).header("x-choose", person).send().await.expect(303);
        let back = reply.header("location");
        back.strip_prefix(PUBLIC_URL).unwrap_or_else(|| panic!("sent elsewhere: {back}")).to_owned()
    }

    /// Goes where a provider sends it.
    pub async fn come_back(&self, path: &str) -> Reply {
        self.call(Method::GET, path).send().await
    }

    /// All the way: begins, chooses, comes back.
    pub async fn try_to_sign_in(&mut self, provider: Provider, person: &str) -> Reply {
        let at = self.depart(provider, "").await;
        let back = self.choose(&at, person).await;
        self.come_back(&back).await
    }

    /// All the way, which must succeed.
    pub async fn sign_in(&mut self, provider: Provider, person: &str) -> Pair {
        self.try_to_sign_in(provider, person).await.pair()
    }

    /// All the way to linking an account to whoever holds `pair`.
    pub async fn try_to_link(&mut self, pair: &Pair, provider: Provider, person: &str) -> Reply {
        let path = format!("/api/v1/me/accounts/{provider}");
        let reply = self.call(Method::POST, &path).bearer(&pair.access).json(&json!({})).send().await;
        if reply.status != 200 {
            return reply;
        }
        self.keep(&reply);
        let at = reply.json()["authorize_url"].as_str().expect("an address").parse().expect("an address");
        let back = self.choose(&at, person).await;
        self.come_back(&back).await
    }

    /// Unlinks.
    pub async fn unlink(&self, pair: &Pair, provider: Provider) -> Reply {
        let path = format!("/api/v1/me/accounts/{provider}");
        self.call(Method::DELETE, &path).bearer(&pair.access).send().await
    }
}
