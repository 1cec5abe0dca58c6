//! A client that does everything right, from which a test departs in one thing.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mock_providers::{Client, Config, Person, Provider, Providers};
use tokio::net::TcpListener;

use crate::client::{Delivery, form_of, get, post};

pub(crate) const CLIENT: &str = "cinema";
pub(crate) const SECRET: &str = "popcorn:and+more";
pub(crate) const CALLBACK: &str = "http://127.0.0.1:9/callback";
pub(crate) const STATE: &str = "state-of-the-test";
pub(crate) const NONCE: &str = "nonce-of-the-test";
/// RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Providers that know one client, and `people` where some are given.
pub(crate) async fn start_with(people: Vec<Person>) -> Providers {
    let client = |provider| Client {
        provider,
        id: CLIENT.to_owned(),
        secret: SECRET.to_owned(),
        redirect_uris: vec![CALLBACK.to_owned()],
    };
    let config =
        Config { clients: Provider::ALL.into_iter().chain([Provider::OPENID]).map(client).collect(), people };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Providers::start(listener, config).unwrap()
}

pub(crate) async fn start() -> Providers {
    start_with(Vec::new()).await
}

/// Pairs of text, of which a test can replace or drop one.
#[derive(Debug, Clone)]
pub(crate) struct Pairs(pub(crate) Vec<(String, String)>);

impl Pairs {
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self
    }

    pub(crate) fn borrowed(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

pub(crate) fn scope(provider: Provider) -> &'static str {
    match provider {
        Provider::Google | Provider::Microsoft => "openid email profile",
        Provider::Yandex => "login:email login:info",
        Provider::Vk => "vkid.personal_info email",
        Provider::MailRu => "userinfo",
        Provider::GitHub => "read:user user:email",
        Provider::X => "users.read tweet.read users.email",
        Provider::Facebook => "email,public_profile",
    }
}

pub(crate) fn authorize_url(providers: &Providers, provider: Provider) -> String {
    let path = match provider {
        Provider::Google => "/o/oauth2/v2/auth",
        Provider::Yandex | Provider::Vk => "/authorize",
        Provider::MailRu => "/login",
        Provider::GitHub => "/login/oauth/authorize",
        Provider::X => "/i/oauth2/authorize",
        Provider::Facebook => "/v24.0/dialog/oauth",
        Provider::Microsoft => "/common/oauth2/v2.0/authorize",
    };
    providers.url_of(provider) + path
}

pub(crate) fn token_url(providers: &Providers, provider: Provider) -> String {
    let path = match provider {
        Provider::Google | Provider::Yandex | Provider::MailRu => "/token",
        Provider::Vk => "/oauth2/auth",
        Provider::GitHub => "/login/oauth/access_token",
        Provider::X => "/2/oauth2/token",
        Provider::Facebook => "/v24.0/oauth/access_token",
        Provider::Microsoft => "/common/oauth2/v2.0/token",
    };
    providers.url_of(provider) + path
}

pub(crate) fn ask(provider: Provider) -> Pairs {
    Pairs::of(&[
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", CALLBACK),
        ("scope", scope(provider)),
        ("state", STATE),
        ("nonce", NONCE),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ])
}

/// Sends an authorization request with the choice in the header.
pub(crate) async fn authorize(
    providers: &Providers,
    provider: Provider,
    ask: &Pairs,
    choice: &str,
) -> Delivery {
    let url = format!("{}?{}", authorize_url(providers, provider), form_of(&ask.borrowed()));
    get(&url, &[("X-Choose", choice)]).await
}

pub(crate) fn basic() -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{encoded}")))
}

/// The headers and the form of a good exchange.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) headers: Pairs,
    pub(crate) form: Pairs,
}

/// Signs a person in and prepares the exchange of the code.
pub(crate) async fn code(providers: &Providers, provider: Provider, ask: &Pairs, key: &str) -> Exchange {
    let callback = authorize(providers, provider, ask, key).await.callback();
    let mut form = Pairs::of(&[
        ("grant_type", "authorization_code"),
        ("code", callback["code"].as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]);
    let mut headers = Pairs::of(&[("Accept", "application/json")]);
    if provider == Provider::X {
        headers = headers.with("Authorization", &basic());
    } else {
        form = form.with("client_id", CLIENT).with("client_secret", SECRET);
    }
    if let Some(device) = callback.get("device_id") {
        form = form.with("device_id", device).with("state", "state-of-the-exchange");
    }
    Exchange { headers, form }
}

impl Exchange {
    pub(crate) async fn send(&self, providers: &Providers, provider: Provider) -> Delivery {
        let url = token_url(providers, provider);
        post(&url, &self.headers.borrowed(), &self.form.borrowed()).await
    }
}

/// The answer to a good exchange.
pub(crate) async fn granted(providers: &Providers, provider: Provider, key: &str) -> Delivery {
    let answer = code(providers, provider, &ask(provider), key).await.send(providers, provider).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// An access token of a person.
pub(crate) async fn token(providers: &Providers, provider: Provider, key: &str) -> String {
    let answer = granted(providers, provider, key).await;
    answer.at("/access_token").as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

/// Asks for the user data in the one right way.
pub(crate) async fn user(providers: &Providers, provider: Provider, token: &str) -> Delivery {
    let at = |path: &str| providers.url_of(provider) + path;
    let bearer = format!("Bearer {token}");
    let bearer = [("Authorization", bearer.as_str()), ("User-Agent", "test")];
    match provider {
        Provider::Google => get(&at("/v1/userinfo"), &bearer).await,
        Provider::Microsoft => get(&at("/oidc/userinfo"), &bearer).await,
        Provider::Yandex => {
            get(&at("/info?format=json"), &[("Authorization", &format!("OAuth {token}"))]).await
        }
        Provider::Vk => {
            post(&at("/oauth2/user_info"), &[], &[("client_id", CLIENT), ("access_token", token)]).await
        }
        Provider::MailRu => get(&at(&format!("/userinfo?access_token={token}")), &[]).await,
        Provider::GitHub => get(&at("/user"), &bearer).await,
        Provider::X => get(&at("/2/users/me?user.fields=confirmed_email,username"), &bearer).await,
        Provider::Facebook => {
            let fields = format!("/me?fields=id,name,email&appsecret_proof={}", proof(token));
            get(&at(&fields), &bearer).await
        }
    }
}

/// Facebook's `appsecret_proof`.
pub(crate) fn proof(token: &str) -> String {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = aws_lc_rs::hmac::sign(&key, token.as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The header and the claims of a JWT.
pub(crate) fn jwt(token: &str) -> (serde_json::Value, serde_json::Value) {
    let mut parts =
        token.split('.').map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()));
    (parts.next().unwrap().unwrap(), parts.next().unwrap().unwrap())
}
