//! The cinema's client at each provider, for both sides: the providers' configuration and admin's variables.

use serde_json::{Value, json};

use crate::{Error, random};

/// The client identifier of the cinema at every provider.
const CLIENT_ID: &str = "cinema";

/// The endpoints of a provider that admin uses: the authorization page, the token endpoint and the user
/// information. The paths are the real providers' (`compose/mock-providers/README.md`).
struct Played {
    name: &'static str,
    authorize: &'static str,
    token: &'static str,
    user: &'static str,
}

const ALL: [Played; 7] = [
    Played { name: "google", authorize: "/o/oauth2/v2/auth", token: "/token", user: "/v1/userinfo" },
    Played { name: "yandex", authorize: "/authorize", token: "/token", user: "/info?format=json" },
    Played { name: "vk", authorize: "/authorize", token: "/oauth2/auth", user: "/oauth2/user_info" },
    Played { name: "mailru", authorize: "/login", token: "/token", user: "/userinfo" },
    Played {
        name: "github",
        authorize: "/login/oauth/authorize",
        token: "/login/oauth/access_token",
        user: "/user",
    },
    Played {
        name: "x",
        authorize: "/i/oauth2/authorize",
        token: "/2/oauth2/token",
        user: "/2/users/me?user.fields=confirmed_email",
    },
    Played {
        name: "facebook",
        authorize: "/v24.0/dialog/oauth",
        token: "/v24.0/oauth/access_token",
        user: "/me?fields=id,name,email",
    },
];

/// A client of each provider. Purposefully without `Debug`: it holds secrets.
pub(super) struct Clients {
    public_url: String,
    /// In the order of [`ALL`].
    secrets: Vec<String>,
}

impl Clients {
    /// With new secrets, for a gateway with the public URL `public_url`.
    pub(super) fn new(public_url: &str) -> Result<Self, Error> {
        let secrets = ALL.iter().map(|_| random::word()).collect::<Result<_, _>>()?;
        Ok(Self { public_url: public_url.to_owned(), secrets })
    }

    /// The configuration of the providers.
    pub(super) fn config(&self) -> String {
        let client = |(played, secret): (&Played, &String)| {
            let callback = format!("{}/api/v1/oauth/{}/callback", self.public_url, played.name);
            json!({
                "provider": played.name,
                "id": CLIENT_ID,
                "secret": secret,
                "redirect_uris": [callback],
            })
        };
        let clients: Vec<Value> = ALL.iter().zip(&self.secrets).map(client).collect();
        json!({ "clients": clients }).to_string()
    }

    /// The variables of admin, for providers at `url`.
    pub(super) fn admin_env(&self, url: &str) -> Vec<(String, String)> {
        let mut env = vec![
            ("ADMIN_PUBLIC_URL".to_owned(), self.public_url.clone()),
            ("ADMIN_OAUTH_GOOGLE_KEYS_URL".to_owned(), format!("{url}/google/oauth2/v3/certs")),
            ("ADMIN_OAUTH_GITHUB_EMAILS_URL".to_owned(), format!("{url}/github/user/emails")),
        ];
        for (Played { name, authorize, token, user }, secret) in ALL.iter().zip(&self.secrets) {
            let values = [
                ("CLIENT_ID", CLIENT_ID.to_owned()),
                ("CLIENT_SECRET", secret.clone()),
                ("AUTHORIZE_URL", format!("{url}/{name}{authorize}")),
                ("TOKEN_URL", format!("{url}/{name}{token}")),
                ("USER_URL", format!("{url}/{name}{user}")),
            ];
            let upper = name.to_ascii_uppercase();
            env.extend(values.map(|(what, value)| (format!("ADMIN_OAUTH_{upper}_{what}"), value)));
        }
        env
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_know_each_client_by_the_same_secret_and_no_two_share_one() {
        let clients = Clients::new("http://127.0.0.1:1").unwrap();
        let env = clients.admin_env("http://127.0.0.1:2");
        let config: Value = serde_json::from_str(&clients.config()).unwrap();
        let mut secrets = Vec::new();
        for client in config["clients"].as_array().unwrap() {
            let text = |name: &str| client[name].as_str().unwrap().to_owned();
            let name = format!("ADMIN_OAUTH_{}_CLIENT_SECRET", text("provider").to_uppercase());
            assert!(env.contains(&(name, text("secret"))));
            let callback = format!("http://127.0.0.1:1/api/v1/oauth/{}/callback", text("provider"));
            assert_eq!(client["redirect_uris"], json!([callback]));
            secrets.push(text("secret"));
        }
        secrets.sort();
        secrets.dedup();
        assert_eq!(secrets.len(), 7);
    }
}
