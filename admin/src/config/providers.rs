//! Identity providers: which there are, who we are there, and what is done with what they say.

use runtime::env::{Reader, boolean, text};
use secrecy::SecretString;
use url::{Host, Url};

use crate::providers::{ClientAuth, Descriptor, KNOWN, OPENID};

/// Identity providers.
#[derive(Debug, Clone, Default)]
pub struct ProvidersConfig {
    /// How a browser reaches us, without a last slash; there whenever a provider is.
    pub public_url: String,
    /// The pages that a browser may be sent back to.
    pub return_to: Vec<Url>,
    /// What becomes of somebody whose proved address is that of an account here.
    pub link_verified: LinkVerified,
    /// What becomes of an address that the provider does not vouch for.
    pub untrusted_email: UntrustedEmail,
    /// The providers, those that are known first.
    pub all: Vec<ProviderConfig>,
}

/// What becomes of somebody whose proved address is the proved one of an account here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinkVerified {
    /// The password of the account is asked for.
    #[default]
    Confirm,
    /// The two are linked.
    Auto,
}

/// What becomes of somebody new whose address the provider does not vouch for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UntrustedEmail {
    /// They must prove it, for which there is no way yet: the sign-in is refused.
    #[default]
    Prove,
    /// They get an account without an address.
    Ignore,
}

/// A provider as it is configured. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// Its name in paths and tables.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Who we are there.
    pub client_id: String,
    /// Proof of it.
    pub client_secret: Option<SecretString>,
    /// What is asked for.
    pub scopes: String,
    /// Whether its addresses count as proved where it does not say that they are not.
    pub trusts_email: bool,
    /// The URL of the role.
    pub location: Location,
    /// What it is like.
    pub descriptor: &'static Descriptor,
}

/// Where a provider is.
#[derive(Debug, Clone)]
pub enum Location {
    /// Here.
    Endpoints(Box<Endpoints>),
    /// Where the provider of this name says (OpenID Connect Discovery 1.0).
    Issuer(String),
}

/// Where each question goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// A person is sent there.
    pub authorize: Url,
    /// A code is given for tokens.
    pub token: Url,
    /// A token is given for what is known of the person.
    pub user: Option<Url>,
    /// The keys of ID tokens.
    pub keys: Option<Url>,
    /// The second request with the token.
    pub second: Option<Url>,
}

/// What the names of these variables begin with.
pub(super) const PREFIX: &str = "ADMIN_OAUTH_";

const URL_FORM: &str = "it is an https URL, or http to this machine";

impl ProvidersConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let public_url = reader.optional("ADMIN_PUBLIC_URL", public_url);
        let return_to = reader.or("ADMIN_OAUTH_RETURN_TO", Vec::new(), pages);
        let link_verified =
            reader.or("ADMIN_OAUTH_LINK_VERIFIED", LinkVerified::default(), |word| match word {
                "confirm" => Ok(LinkVerified::Confirm),
                "auto" => Ok(LinkVerified::Auto),
                _ => Err("it is confirm or auto"),
            });
        let untrusted_email =
            reader.or("ADMIN_OAUTH_UNTRUSTED_EMAIL", UntrustedEmail::default(), |word| match word {
                "prove" => Ok(UntrustedEmail::Prove),
                "ignore" => Ok(UntrustedEmail::Ignore),
                _ => Err("it is prove or ignore"),
            });
        let mut all: Vec<_> = KNOWN.iter().filter_map(|known| ProviderConfig::known(reader, known)).collect();
        let others = reader.or("ADMIN_OAUTH_OPENID", Vec::new(), names);
        all.extend(others.into_iter().filter_map(|id| ProviderConfig::openid(reader, id)));
        if !all.is_empty() && public_url.is_none() {
            let why = "it must be set where a provider is: what a browser reaches us under, such as https://cinema.example";
            reader.mistake("ADMIN_PUBLIC_URL", why);
        }
        let public_url = public_url.unwrap_or_default();
        Self { public_url, return_to, link_verified, untrusted_email, all }
    }
}

impl ProviderConfig {
    /// One that is known; `None` where nobody said who we are there.
    fn known(reader: &mut Reader<'_>, descriptor: &'static Descriptor) -> Option<Self> {
        let names = Names(descriptor.id);
        let client_id = reader.optional(&names.of("CLIENT_ID"), text);
        let client_secret = reader.optional_secret(&names.of("CLIENT_SECRET"));
        let scopes = reader.or(&names.of("SCOPES"), descriptor.scopes.to_owned(), text);
        let trusts_email = reader.or(&names.of("TRUST_EMAIL"), false, boolean);
        let mut url = |what: &str, usual: &str| {
            let given = reader.optional(&names.of(&format!("{what}_URL")), endpoint);
            given.or_else(|| endpoint(usual).ok())
        };
        let authorize = url("AUTHORIZE", descriptor.authorize_url);
        let token = url("TOKEN", descriptor.token_url);
        let user = url("USER", descriptor.user_url);
        let keys = descriptor.id_token.as_ref().and_then(|tokens| url("KEYS", tokens.keys_url));
        let second = descriptor.second_request.as_ref().and_then(|second| url(second.name, second.url));
        let Some(client_id) = client_id else {
            if client_secret.is_some() {
                reader.mistake(&names.of("CLIENT_ID"), "it must be set, because the secret is");
            }
            return None;
        };
        check_secret(reader, &names, descriptor, client_secret.is_some());
        let endpoints = Endpoints { authorize: authorize?, token: token?, user, keys, second };
        Some(Self {
            id: descriptor.id.to_owned(),
            name: descriptor.name.to_owned(),
            client_id,
            client_secret,
            scopes,
            trusts_email,
            location: Location::Endpoints(Box::new(endpoints)),
            descriptor,
        })
    }

    /// One that says itself where everything is.
    fn openid(reader: &mut Reader<'_>, id: String) -> Option<Self> {
        let names = Names(&id);
        let issuer = reader.required(&names.of("ISSUER"), issuer);
        let client_id = reader.required(&names.of("CLIENT_ID"), text);
        let client_secret = reader.optional_secret(&names.of("CLIENT_SECRET"));
        let name = reader.or(&names.of("NAME"), id.clone(), text);
        let scopes = reader.or(&names.of("SCOPES"), OPENID.scopes.to_owned(), text);
        let trusts_email = reader.or(&names.of("TRUST_EMAIL"), false, boolean);
        if !scopes.split(' ').any(|scope| scope == "openid") {
            reader.mistake(&names.of("SCOPES"), "openid must be one of them");
        }
        let location = Location::Issuer(issuer?);
        let client_id = client_id?;
        Some(Self { id, name, client_id, client_secret, scopes, trusts_email, location, descriptor: OPENID })
    }
}

fn check_secret(reader: &mut Reader<'_>, names: &Names<'_>, descriptor: &Descriptor, is_there: bool) {
    let is_needed = match descriptor.client_auth {
        ClientAuth::Body | ClientAuth::Basic => true,
        ClientAuth::Public => descriptor.proves_secret,
    };
    if is_needed && !is_there {
        let name = names.of("CLIENT_SECRET");
        reader.mistake(&name, &format!("it must be set, or {name}_FILE must name a file that holds it"));
    }
}

/// The names of the variables of one provider.
struct Names<'p>(&'p str);

impl Names<'_> {
    fn of(&self, what: &str) -> String {
        format!("ADMIN_OAUTH_{}_{what}", self.0.to_ascii_uppercase().replace('-', "_"))
    }
}

/// A URL whose answers nobody on the way can change: TLS, or no way at all.
pub(crate) fn endpoint(text: &str) -> Result<Url, &'static str> {
    let url: Url = text.parse().map_err(|_| URL_FORM)?;
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_here);
    let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if is_safe && is_plain && url.has_host() { Ok(url) } else { Err(URL_FORM) }
}

/// What a provider calls itself, which its document is found under.
fn issuer(text: &str) -> Result<String, &'static str> {
    match endpoint(text) {
        Ok(url) if url.query().is_none() => Ok(text.to_owned()),
        Ok(_) => Err("it has no query"),
        Err(why) => Err(why),
    }
}

fn public_url(text: &str) -> Result<String, &'static str> {
    let url = endpoint(text)?;
    if url.path() == "/" && url.query().is_none() {
        Ok(url.as_str().trim_end_matches('/').to_owned())
    } else {
        Err("it is a scheme and a host, such as https://cinema.example, without a path")
    }
}

fn pages(list: &str) -> Result<Vec<Url>, &'static str> {
    let page = |text: &str| endpoint(text.trim()).ok().filter(|url| url.query().is_none());
    let why = "it is https pages (or http to this machine) with commas between, without query or fragment";
    list.split(',').map(page).collect::<Option<_>>().ok_or(why)
}

fn names(list: &str) -> Result<Vec<String>, String> {
    let mut names: Vec<String> = Vec::new();
    for name in list.split(',').map(str::trim) {
        if !is_name(name) {
            return Err(
                "it is names with commas between, each 1 to 32 of a-z, 0-9 and -, beginning with a letter"
                    .to_owned(),
            );
        }
        let is_known = KNOWN.iter().chain([&OPENID]).any(|known| known.id == name);
        if is_known || names.iter().any(|before| before == name) {
            return Err(format!("{name} is the name of another"));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

fn is_name(text: &str) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_lowercase();
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.len() <= 32 && text.as_bytes().first().is_some_and(is_letter) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn read(vars: &[(&'static str, &str)]) -> Result<ProvidersConfig, Vec<String>> {
        let vars: HashMap<_, _> = vars.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let mut reader = Reader::new(&vars);
        let config = ProvidersConfig::read(&mut reader);
        reader.finish(Some(config)).map_err(|mistakes| mistakes.lines().to_vec())
    }

    const PUBLIC: (&str, &str) = ("ADMIN_PUBLIC_URL", "https://cinema.example/");

    #[test]
    fn without_a_variable_there_is_no_provider() {
        assert!(read(&[]).unwrap().all.is_empty());
    }

    #[test]
    fn a_provider_is_there_when_we_are_somebody_there() {
        let config = read(&[
            PUBLIC,
            ("ADMIN_OAUTH_GOOGLE_CLIENT_ID", "us"),
            ("ADMIN_OAUTH_GOOGLE_CLIENT_SECRET", "s3cret"),
            ("ADMIN_OAUTH_VK_CLIENT_ID", "51"),
            ("ADMIN_OAUTH_VK_TOKEN_URL", "http://127.0.0.1:9/token"),
        ])
        .unwrap();
        assert_eq!(config.public_url, "https://cinema.example");
        let ids: Vec<_> = config.all.iter().map(|provider| provider.id.as_str()).collect();
        assert_eq!(ids, ["google", "vk"]);
        assert!(!format!("{config:?}").contains("s3cret"));
        let Location::Endpoints(vk) = &config.all[1].location else { panic!("VK says nothing itself") };
        assert_eq!(vk.token.as_str(), "http://127.0.0.1:9/token");
        assert_eq!(vk.authorize.as_str(), "https://id.vk.com/authorize");
    }

    #[test]
    fn mistakes_are_told_by_the_name_of_their_variable() {
        for (vars, name) in [
            (&[("ADMIN_OAUTH_VK_CLIENT_ID", "51")][..], "ADMIN_PUBLIC_URL: "),
            (&[PUBLIC, ("ADMIN_OAUTH_X_CLIENT_ID", "us")], "ADMIN_OAUTH_X_CLIENT_SECRET: "),
            (&[PUBLIC, ("ADMIN_OAUTH_X_CLIENT_SECRET", "us")], "ADMIN_OAUTH_X_CLIENT_ID: "),
            (&[PUBLIC, ("ADMIN_OAUTH_X_USER_URL", "http://api.x.com")], "ADMIN_OAUTH_X_USER_URL: "),
            (&[PUBLIC, ("ADMIN_OAUTH_OPENID", "google")], "ADMIN_OAUTH_OPENID: "),
            (&[PUBLIC, ("ADMIN_OAUTH_OPENID", "work,work")], "ADMIN_OAUTH_OPENID: "),
            (&[PUBLIC, ("ADMIN_OAUTH_OPENID", "Work")], "ADMIN_OAUTH_OPENID: "),
            (&[("ADMIN_PUBLIC_URL", "https://cinema.example/a")], "ADMIN_PUBLIC_URL: "),
            (&[("ADMIN_OAUTH_RETURN_TO", "https://cinema.example/?a=b")], "ADMIN_OAUTH_RETURN_TO: "),
            (&[("ADMIN_OAUTH_RETURN_TO", "javascript:alert(1)")], "ADMIN_OAUTH_RETURN_TO: "),
            (&[("ADMIN_OAUTH_LINK_VERIFIED", "yes")], "ADMIN_OAUTH_LINK_VERIFIED: "),
        ] {
            let mistakes = read(vars).unwrap_err();
            assert!(mistakes.iter().any(|line| line.starts_with(name)), "{vars:?}: {mistakes:?}");
        }
    }

    #[test]
    fn an_openid_provider_takes_its_issuer_and_who_we_are() {
        let missing = read(&[PUBLIC, ("ADMIN_OAUTH_OPENID", "at-work")]).unwrap_err();
        assert!(missing[0].starts_with("ADMIN_OAUTH_AT_WORK_ISSUER: "), "{missing:?}");
        assert!(missing[1].starts_with("ADMIN_OAUTH_AT_WORK_CLIENT_ID: "), "{missing:?}");
        let config = read(&[
            PUBLIC,
            ("ADMIN_OAUTH_OPENID", "at-work"),
            ("ADMIN_OAUTH_AT_WORK_ISSUER", "https://id.example/realms/a"),
            ("ADMIN_OAUTH_AT_WORK_CLIENT_ID", "us"),
            ("ADMIN_OAUTH_AT_WORK_NAME", "At work"),
        ])
        .unwrap();
        assert_eq!((config.all[0].id.as_str(), config.all[0].name.as_str()), ("at-work", "At work"));
    }

    #[test]
    fn only_safe_addresses_are_endpoints() {
        for good in ["https://a.example/b?c=d", "http://127.0.0.1:1/a", "http://localhost/", "http://[::1]/"]
        {
            assert!(endpoint(good).is_ok(), "{good}");
        }
        for bad in [
            "http://a.example/",
            "ftp://127.0.0.1/",
            "https://u:p@a.example/",
            "https://a.example/#b",
            "a",
            "",
        ] {
            assert!(endpoint(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_address_or_a_list_or_is_refused_without_panic(text: String) {
            let _verdicts = (endpoint(&text), pages(&text), names(&text), public_url(&text));
        }
    }
}
