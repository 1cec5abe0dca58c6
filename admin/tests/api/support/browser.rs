//! A service with every identity provider, and browsers that sign in through them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use admin::config::Config;
use admin::providers::Limits;
use mail_catcher::Catcher;
use mock_providers::{Client as Registered, Person, Provider, Providers};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::{Call, Client, Pair, Reply, TestApp, TestDatabase, prefix, variables};

/// The public base URL of the service, as the providers know it.
pub const PUBLIC_URL: &str = "https://cinema.test";

/// A page to which browsers may return.
pub const PAGE: &str = "https://cinema.test/sign-in/";

/// The client identifier of the service at every provider.
pub const CLIENT_ID: &str = "cinema-client";

/// Its client secret.
pub const CLIENT_SECRET: &str = "canary-client-secret";

/// A service and its identity providers.
pub struct Cinema {
    /// The service.
    pub app: TestApp,
    /// The providers.
    pub providers: Providers,
    /// Where its mails are caught, if it sends any.
    pub mail: Option<CinemaMail>,
}

/// The mails of a service, and a replica where an address must be proven.
pub struct CinemaMail {
    /// The mail server.
    pub catcher: Catcher,
    /// The replica.
    pub verifying: TestApp,
}

/// A browser, which keeps one cookie.
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

    /// With some variables changed.
    pub async fn start_with(changes: &[(&'static str, &str)]) -> Self {
        Self::start_configured(changes, Limits::default()).await
    }

    /// With limits that no variable can express.
    pub async fn start_limited(limits: Limits) -> Self {
        Self::start_configured(&[], limits).await
    }

    /// With Microsoft too, by the issuer of all tenants.
    pub async fn start_with_microsoft() -> Self {
        Self::start_with_tenant("common").await
    }

    /// With Microsoft too, by the issuer of this tenant.
    pub async fn start_with_tenant(tenant: &str) -> Self {
        let providers = registered().await;
        let issuer = format!("{}/{tenant}/v2.0", providers.url_of(Provider::OPENID));
        let changes = [
            ("ADMIN_OAUTH_OPENID", "microsoft"),
            ("ADMIN_OAUTH_MICROSOFT_ISSUER", issuer.as_str()),
            ("ADMIN_OAUTH_MICROSOFT_CLIENT_ID", CLIENT_ID),
            ("ADMIN_OAUTH_MICROSOFT_CLIENT_SECRET", CLIENT_SECRET),
        ];
        Self::start_at(providers, &changes, Limits::default()).await
    }

    async fn start_configured(changes: &[(&'static str, &str)], limits: Limits) -> Self {
        Self::start_at(registered().await, changes, limits).await
    }

    async fn start_at(providers: Providers, changes: &[(&'static str, &str)], limits: Limits) -> Self {
        let database = TestDatabase::migrated().await;
        let mut vars = variables(&database.url, &prefix());
        vars.extend(provider_variables(&providers));
        vars.extend(changes.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let mut config = Config::from_vars(&vars).expect("the configuration is valid");
        config.providers.limits = limits;
        let mut app = TestApp::launch_configured(config, vars).await;
        app.database = Some(database);
        app.await_ready().await;
        let cinema = Self { app, providers, mail: None };
        for provider in Provider::ALL {
            // With a different address at each provider, so that none is linked to another.
            cinema.add_person(provider, "anna", Some(&format!("anna@{provider}.example.org")), true);
        }
        cinema
    }

    /// A browser without a cookie.
    pub fn browser(&self) -> Browser {
        Browser::of(&self.app)
    }

    /// Adds a person to a provider, whose address the provider marks as verified or not. Each key has its own subject, a
    /// number, as GitHub's and VK's are.
    pub fn add_person(&self, provider: Provider, key: &str, email: Option<&str>, email_verified: bool) {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        // A JSON number is exact to 53 bits.
        let subject = (hasher.finish() >> 11).to_string();
        let person = Person {
            name: Some(key.to_owned()),
            email: email.map(str::to_owned),
            email_verified,
            // Google vouches for addresses of organisations that it hosts.
            hd: (provider == Provider::Google && email_verified).then(|| "example.org".to_owned()),
            ..Person::new(provider, key, &subject)
        };
        self.providers.put_person(person).expect("the person is valid");
    }

    /// The response of `/api/v1/me`.
    pub async fn me(&self, pair: &Pair) -> Value {
        self.app.client.get("/api/v1/me").bearer(&pair.access).send().await.expect(200).json()
    }

    /// The linked accounts of a user: the provider and the rule, in the order of linking.
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

/// Limits with which a test of a provider that does not respond ends soon.
pub const SHORT_LIMITS: Limits = Limits {
    connect: Duration::from_secs(2),
    request: Duration::from_secs(2),
    identification: Duration::from_secs(4),
    key_refetch: Duration::from_secs(2),
};

/// Limits that a provider on this machine keeps, however busy the machine is.
pub const LONG_LIMITS: Limits = Limits {
    connect: Duration::from_secs(60),
    request: Duration::from_secs(60),
    identification: Duration::from_secs(60),
    key_refetch: Duration::from_secs(60),
};

/// The mock providers, each of which knows the service as a client.
async fn registered() -> Providers {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let providers = Providers::start(listener, mock_providers::Config::default()).expect("they start");
    for provider in Provider::ALL.into_iter().chain([Provider::OPENID]) {
        let callback = format!("{PUBLIC_URL}/api/v1/oauth/{provider}/callback");
        let (id, secret) = (CLIENT_ID.to_owned(), CLIENT_SECRET.to_owned());
        let client = Registered { provider, id, secret, redirect_uris: vec![callback] };
        providers.put_client(client).expect("the client is valid");
    }
    providers
}

/// The names of the variables that every provider has.
macro_rules! names {
    ($provider:literal) => {
        [
            concat!("ADMIN_OAUTH_", $provider, "_CLIENT_ID"),
            concat!("ADMIN_OAUTH_", $provider, "_CLIENT_SECRET"),
            concat!("ADMIN_OAUTH_", $provider, "_AUTHORIZE_URL"),
            concat!("ADMIN_OAUTH_", $provider, "_TOKEN_URL"),
            concat!("ADMIN_OAUTH_", $provider, "_USER_URL"),
        ]
    };
}

/// The variables of every provider, with the endpoints of the mock.
fn provider_variables(providers: &Providers) -> Vec<(&'static str, String)> {
    use Provider::{Facebook, GitHub, Google, MailRu, Vk, X, Yandex};

    let at = |provider: Provider, path: &str| format!("{}{path}", providers.url_of(provider));
    let mut vars = vec![
        ("ADMIN_PUBLIC_URL", PUBLIC_URL.to_owned()),
        ("ADMIN_OAUTH_RETURN_TO", PAGE.to_owned()),
        ("ADMIN_OAUTH_GOOGLE_KEYS_URL", at(Google, "/oauth2/v3/certs")),
        ("ADMIN_OAUTH_GITHUB_EMAILS_URL", at(GitHub, "/user/emails")),
    ];
    for (provider, names, paths) in [
        (Google, names!("GOOGLE"), ["/o/oauth2/v2/auth", "/token", "/v1/userinfo"]),
        (Yandex, names!("YANDEX"), ["/authorize", "/token", "/info?format=json"]),
        (Vk, names!("VK"), ["/authorize", "/oauth2/auth", "/oauth2/user_info"]),
        (MailRu, names!("MAILRU"), ["/login", "/token", "/userinfo"]),
        (GitHub, names!("GITHUB"), ["/login/oauth/authorize", "/login/oauth/access_token", "/user"]),
        (
            X,
            names!("X"),
            ["/i/oauth2/authorize", "/2/oauth2/token", "/2/users/me?user.fields=confirmed_email"],
        ),
        (
            Facebook,
            names!("FACEBOOK"),
            ["/v24.0/dialog/oauth", "/v24.0/oauth/access_token", "/me?fields=id,name,email"],
        ),
    ] {
        let values = [CLIENT_ID.to_owned(), CLIENT_SECRET.to_owned()];
        vars.extend(names.into_iter().zip(values.into_iter().chain(paths.map(|path| at(provider, path)))));
    }
    vars
}

/// What a user can do about a problem.
pub fn methods(problem: &Value) -> Vec<String> {
    let all = problem["methods"].as_array().expect("methods").iter();
    all.map(|method| method.as_str().expect("a text").to_owned()).collect()
}

impl Browser {
    /// A browser of this replica, without a cookie.
    pub fn of(app: &TestApp) -> Self {
        Self::of_client(&app.client)
    }

    /// A browser that sends its requests like this client.
    pub fn of_client(client: &Client) -> Self {
        Self { client: client.clone(), cookie: None }
    }

    /// Its cookie.
    pub fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// Keeps the cookie of a response.
    pub fn keep(&mut self, reply: &Reply) {
        if let Some(set) = reply.headers.get("set-cookie") {
            let text = set.to_str().expect("visible ASCII");
            self.cookie = text.split(';').next().map(str::to_owned);
        }
    }

    /// A request with its cookie.
    pub fn call(&self, method: Method, path: &str) -> Call {
        let call = self.client.call(method, path);
        match &self.cookie {
            Some(cookie) => call.header("cookie", cookie),
            None => call,
        }
    }

    /// Starts a sign-in; returns the authorization URL.
    pub async fn start_flow(&mut self, provider: Provider, query: &str) -> Url {
        let call = self.call(Method::GET, &format!("/api/v1/oauth/{provider}/login{query}"));
        // By a link of a page of the own origin.
        let reply = call.header("sec-fetch-site", "same-origin").send().await;
        let reply = reply.expect(302);
        self.keep(&reply);
        reply.header("location").parse().expect("an address")
    }

    /// Chooses a person at the provider, or to refuse; returns the path and query of the callback.
    pub async fn choose(&self, at: &Url, person: &str) -> String {
        let client = Client::new("");
        let base = at.to_string();
        let reply = client.get(&base).header("x-choose", person).send().await.expect(303);
        let back = reply.header("location");
        back.strip_prefix(PUBLIC_URL).unwrap_or_else(|| panic!("redirected elsewhere: {back}")).to_owned()
    }

    /// Calls the callback.
    pub async fn call_back(&self, path: &str) -> Reply {
        self.call(Method::GET, path).send().await
    }

    /// The whole flow.
    pub async fn try_to_sign_in(&mut self, provider: Provider, person: &str) -> Reply {
        let at = self.start_flow(provider, "").await;
        let back = self.choose(&at, person).await;
        self.call_back(&back).await
    }

    /// The whole flow, which must succeed.
    pub async fn sign_in(&mut self, provider: Provider, person: &str) -> Pair {
        self.try_to_sign_in(provider, person).await.pair()
    }

    /// The whole flow to link an account to the user of `pair`.
    pub async fn try_to_link(&mut self, pair: &Pair, provider: Provider, person: &str) -> Reply {
        let path = format!("/api/v1/me/accounts/{provider}");
        let reply = self.call(Method::POST, &path).bearer(&pair.access).json(&json!({})).send().await;
        if reply.status != 200 {
            return reply;
        }
        self.keep(&reply);
        let at = reply.json()["authorize_url"].as_str().expect("an address").parse().expect("an address");
        let back = self.choose(&at, person).await;
        self.call_back(&back).await
    }

    /// The whole flow, after which the user has to confirm a link; returns its flow and what the user can do.
    pub async fn must_confirm(&mut self, provider: Provider, person: &str) -> (String, Vec<String>) {
        let problem = self.try_to_sign_in(provider, person).await;
        let problem = problem.problem(409, "link_confirmation_required");
        (problem["flow"].as_str().expect("a flow").to_owned(), methods(&problem))
    }

    /// What a pending link waits for.
    pub async fn show_link(&self, flow: &str) -> Reply {
        self.call(Method::POST, "/api/v1/oauth/link/show").json(&json!({ "flow": flow })).send().await
    }

    /// Confirms a pending link with a password.
    pub async fn confirm(&self, flow: &str, password: &str) -> Reply {
        let body = json!({ "flow": flow, "password": password });
        self.call(Method::POST, "/api/v1/oauth/link/confirm").json(&body).send().await
    }

    /// Confirms a pending link as this person at another provider.
    pub async fn confirm_through(&mut self, flow: &str, provider: Provider, person: &str) -> Reply {
        match self.begin_confirmation(flow, provider, person).await {
            Ok(back) => self.call_back(&back).await,
            Err(refused) => refused,
        }
    }

    /// The same up to the callback, whose path and query are returned; or the reply that refused it.
    pub async fn begin_confirmation(
        &mut self,
        flow: &str,
        provider: Provider,
        person: &str,
    ) -> Result<String, Reply> {
        let body = json!({ "flow": flow, "provider": provider.name() });
        let reply = self.call(Method::POST, "/api/v1/oauth/link/provider").json(&body).send().await;
        if reply.status != 200 {
            return Err(reply);
        }
        self.keep(&reply);
        let at = reply.json()["authorize_url"].as_str().expect("an address").parse().expect("an address");
        Ok(self.choose(&at, person).await)
    }

    /// Declines the account of a pending link, after looking at it.
    pub async fn decline(&self, flow: &str) -> Reply {
        let shown = self.show_link(flow).await.expect(200).json();
        let body = json!({ "flow": flow, "created_in": shown["account"]["created_in"] });
        self.call(Method::POST, "/api/v1/oauth/link/decline").json(&body).send().await
    }

    /// The whole flow, after which the user may sign in to an account or skip that; returns its flow and the ways.
    pub async fn is_offered(&mut self, provider: Provider, person: &str) -> (String, Vec<String>) {
        let problem = self.try_to_sign_in(provider, person).await.problem(409, "email_proof_offered");
        (problem["flow"].as_str().expect("a flow").to_owned(), methods(&problem))
    }

    /// Signs in to an account that the user names.
    pub async fn join(&self, flow: &str, identifier: &str, password: &str) -> Reply {
        let body = json!({ "flow": flow, "identifier": identifier, "password": password });
        self.call(Method::POST, "/api/v1/oauth/link/sign-in").json(&body).send().await
    }

    /// Moves an account at a provider here, after looking at the other account.
    pub async fn move_here(&self, flow: &str) -> Reply {
        let shown = self.show_link(flow).await.expect(200).json();
        let body = json!({ "flow": flow, "created_in": shown["account"]["created_in"] });
        self.call(Method::POST, "/api/v1/oauth/link/move").json(&body).send().await
    }

    /// Gets a new account without an address.
    pub async fn skip(&self, flow: &str) -> Reply {
        self.call(Method::POST, "/api/v1/oauth/link/skip").json(&json!({ "flow": flow })).send().await
    }

    /// Unlinks an account.
    pub async fn unlink(&self, pair: &Pair, provider: Provider) -> Reply {
        let path = format!("/api/v1/me/accounts/{provider}");
        self.call(Method::DELETE, &path).bearer(&pair.access).send().await
    }
}
