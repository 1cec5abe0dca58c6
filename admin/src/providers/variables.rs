//! Reads the configuration of identity providers from environment variables.

use runtime::env::{Reader, boolean, text};
use url::Url;

use super::config::{
    Endpoints, Limits, LinkVerified, Location, ProviderConfig, ProvidersConfig, UntrustedEmail, endpoint,
};
use super::descriptor::{ClientAuth, Descriptor};
use super::known::{KNOWN, OPENID};
use super::microsoft;
use crate::visible_text::is_visible_line;

/// The prefix of these variables' names.
const VARIABLE_PREFIX: &str = "ADMIN_OAUTH_";

impl ProvidersConfig {
    /// By default a user whose address is not vouched for is asked where mail is sent, because a code can prove the address.
    pub(crate) fn read(reader: &mut Reader<'_>, public_url: Option<&Url>, has_mail: bool) -> Self {
        let return_to = reader.or("ADMIN_OAUTH_RETURN_TO", Vec::new(), pages);
        let link_verified = reader.or("ADMIN_OAUTH_LINK_VERIFIED", LinkVerified::default(), link_verified);
        let usual = if has_mail { UntrustedEmail::Ask } else { UntrustedEmail::Create };
        let untrusted_email = reader.or("ADMIN_OAUTH_UNTRUSTED_EMAIL", usual, untrusted_email);
        let mut all: Vec<_> =
            KNOWN.iter().filter_map(|known| ProviderConfig::known(reader, known, public_url)).collect();
        let others = reader.or("ADMIN_OAUTH_OPENID", Vec::new(), names);
        all.extend(others.into_iter().filter_map(|id| ProviderConfig::openid(reader, id, public_url)));
        Self { return_to, link_verified, untrusted_email, limits: Limits::default(), all }
    }
}

/// The public base URL, if it is set.
pub(crate) fn read_public_url(reader: &mut Reader<'_>) -> Option<Url> {
    reader.optional("ADMIN_PUBLIC_URL", public_url)
}

/// The public base URL, which every provider needs.
fn require_public_url(reader: &mut Reader<'_>, public_url: Option<&Url>) -> Option<Url> {
    if public_url.is_none() {
        let why = "must be set when an identity provider is configured: the public base URL, such as https://cinema.example";
        reader.mistake("ADMIN_PUBLIC_URL", why);
    }
    public_url.cloned()
}

impl ProviderConfig {
    /// A known provider; `None` without a client identifier.
    fn known(
        reader: &mut Reader<'_>,
        descriptor: &'static Descriptor,
        public_url: Option<&Url>,
    ) -> Option<Self> {
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
        let list = descriptor.list.as_ref().and_then(|list| url(list.name, list.url));
        let Some(client_id) = client_id else {
            if client_secret.is_some() {
                reader.mistake(&names.of("CLIENT_ID"), "must be set, because the client secret is set");
            }
            return None;
        };
        require_secret(reader, &names, descriptor, client_secret.is_some());
        let public_url = require_public_url(reader, public_url);
        let endpoints = Endpoints { authorize: authorize?, token: token?, user, keys, list };
        Some(Self {
            id: descriptor.id.to_owned(),
            name: descriptor.name.to_owned(),
            public_url: public_url?,
            client_id,
            client_secret,
            scopes,
            trusts_email,
            location: Location::Endpoints(Box::new(endpoints)),
            descriptor,
        })
    }

    /// An OpenID provider, whose endpoints are in its discovery document.
    fn openid(reader: &mut Reader<'_>, id: String, public_url: Option<&Url>) -> Option<Self> {
        let names = Names(&id);
        let issuer = reader.required(&names.of("ISSUER"), issuer);
        let client_id = reader.required(&names.of("CLIENT_ID"), text);
        let client_secret = reader.optional_secret(&names.of("CLIENT_SECRET"));
        let name = reader.or(&names.of("NAME"), id.clone(), shown_name);
        let scopes = reader.or(&names.of("SCOPES"), OPENID.scopes.to_owned(), text);
        let trusts_email = reader.or(&names.of("TRUST_EMAIL"), false, boolean);
        if !scopes.split(' ').any(|scope| scope == "openid") {
            reader.mistake(&names.of("SCOPES"), "must contain the scope `openid`");
        }
        if trusts_email && issuer.as_deref().is_some_and(microsoft::is_of_all_tenants) {
            let why = "must not be true for Microsoft's multi-tenant issuer (`common`, `organizations`): any tenant can claim \
                any e-mail address";
            reader.mistake(&names.of("TRUST_EMAIL"), why);
        }
        let public_url = require_public_url(reader, public_url);
        let location = Location::Issuer(issuer?);
        let (client_id, public_url, descriptor) = (client_id?, public_url?, OPENID);
        Some(Self {
            id,
            name,
            public_url,
            client_id,
            client_secret,
            scopes,
            trusts_email,
            location,
            descriptor,
        })
    }
}

fn require_secret(reader: &mut Reader<'_>, names: &Names<'_>, descriptor: &Descriptor, is_set: bool) {
    let is_required = match descriptor.client_auth {
        ClientAuth::Body | ClientAuth::Basic => true,
        ClientAuth::Public => descriptor.proves_secret,
    };
    if is_required && !is_set {
        let name = names.of("CLIENT_SECRET");
        reader.mistake(&name, &format!("must be set, or {name}_FILE must name a file that contains it"));
    }
}

/// The names of one provider's variables.
pub(super) struct Names<'p>(pub(super) &'p str);

impl Names<'_> {
    pub(super) fn of(&self, what: &str) -> String {
        format!("{VARIABLE_PREFIX}{}_{what}", self.0.to_ascii_uppercase().replace('-', "_"))
    }
}

fn link_verified(word: &str) -> Result<LinkVerified, &'static str> {
    match word {
        "confirm" => Ok(LinkVerified::Confirm),
        "auto" => Ok(LinkVerified::Auto),
        _ => Err("must be `confirm` or `auto`"),
    }
}

fn untrusted_email(word: &str) -> Result<UntrustedEmail, &'static str> {
    match word {
        "create" => Ok(UntrustedEmail::Create),
        "ask" => Ok(UntrustedEmail::Ask),
        "refuse" => Ok(UntrustedEmail::Refuse),
        _ => Err("must be `create` (was `ignore`), `ask` or `refuse` (was `prove`)"),
    }
}

/// An issuer identifier, under which the discovery document is found.
fn issuer(text: &str) -> Result<String, &'static str> {
    let url = endpoint(text)?;
    if url.query().is_some() {
        return Err("must not contain a query");
    }
    microsoft::check(&url, text)?;
    Ok(text.to_owned())
}

/// A scheme and a host, without a path.
pub(crate) fn public_url(text: &str) -> Result<Url, &'static str> {
    let url = endpoint(text)?;
    if url.path() == "/" && url.query().is_none() {
        Ok(url)
    } else {
        Err("must be a scheme and a host without a path, such as https://cinema.example")
    }
}

fn pages(list: &str) -> Result<Vec<Url>, &'static str> {
    let page = |text: &str| endpoint(text.trim()).ok().filter(|url| url.query().is_none());
    let why =
        "must be comma-separated `https` URLs (or `http` to a loopback address) without query or fragment";
    list.split(',').map(page).collect::<Option<_>>().ok_or(why)
}

pub(super) fn names(list: &str) -> Result<Vec<String>, String> {
    let mut names: Vec<String> = Vec::new();
    for name in list.split(',').map(str::trim) {
        if !is_name(name) {
            return Err(format!(
                "must be comma-separated names of 1 to 32 characters of a-z, 0-9 and -, beginning with a letter; `{name}` is invalid"
            ));
        }
        let is_known = KNOWN.iter().chain([&OPENID]).any(|known| known.id == name);
        if is_known || names.iter().any(|before| before == name) {
            return Err(format!("must contain unique names; `{name}` is already the name of a provider"));
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

/// A name that users see.
pub(super) fn shown_name(text: &str) -> Result<String, &'static str> {
    match is_visible_line(text) {
        true => Ok(text.to_owned()),
        false => Err(
            "must be 1 to 64 characters, with at least one visible character and no control or invisible characters",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn read(vars: &[(&'static str, &str)]) -> Result<ProvidersConfig, Vec<String>> {
        let vars: HashMap<_, _> = vars.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let mut reader = Reader::new(&vars);
        let public_url = read_public_url(&mut reader);
        let config = ProvidersConfig::read(&mut reader, public_url.as_ref(), false);
        reader.finish(Some(config)).map_err(|mistakes| mistakes.lines().to_vec())
    }

    const PUBLIC: (&str, &str) = ("ADMIN_PUBLIC_URL", "https://cinema.example/");
    const WORK: (&str, &str) = ("ADMIN_OAUTH_OPENID", "work");
    const WORK_ID: (&str, &str) = ("ADMIN_OAUTH_WORK_CLIENT_ID", "us");
    const WORK_TRUST: (&str, &str) = ("ADMIN_OAUTH_WORK_TRUST_EMAIL", "true");
    const COMMON: (&str, &str) = ("ADMIN_OAUTH_WORK_ISSUER", "https://login.microsoftonline.com/common/v2.0");
    const CONSUMERS: (&str, &str) =
        ("ADMIN_OAUTH_WORK_ISSUER", "https://login.microsoftonline.com/consumers/v2.0");

    #[test]
    fn the_name_of_a_provider_can_be_seen() {
        let issuer = ("ADMIN_OAUTH_WORK_ISSUER", "https://login.example.org");
        let with = |name| read(&[PUBLIC, WORK, WORK_ID, issuer, ("ADMIN_OAUTH_WORK_NAME", name)]);
        assert_eq!(with("Моя работа").unwrap().all[0].name, "Моя работа");
        for bad in ["\u{202e}krow", "\u{2800}", "a\u{2028}b"] {
            assert!(
                with(bad).is_err_and(|mistakes| mistakes[0].starts_with("ADMIN_OAUTH_WORK_NAME: ")),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn without_variables_no_provider_is_configured() {
        assert!(read(&[]).unwrap().all.is_empty());
    }

    #[test]
    fn a_provider_is_configured_by_its_client_id() {
        let config = read(&[
            PUBLIC,
            ("ADMIN_OAUTH_GOOGLE_CLIENT_ID", "us"),
            ("ADMIN_OAUTH_GOOGLE_CLIENT_SECRET", "s3cret"),
            ("ADMIN_OAUTH_VK_CLIENT_ID", "51"),
            ("ADMIN_OAUTH_VK_TOKEN_URL", "http://127.0.0.1:9/token"),
        ])
        .unwrap();
        assert_eq!(config.all[0].public_url.as_str(), "https://cinema.example/");
        let ids: Vec<_> = config.all.iter().map(|provider| provider.id.as_str()).collect();
        assert_eq!(ids, ["google", "vk"]);
        assert!(!format!("{config:?}").contains("s3cret"));
        let Location::Endpoints(vk) = &config.all[1].location else { panic!("VK has no discovery document") };
        assert_eq!(vk.token.as_str(), "http://127.0.0.1:9/token");
        assert_eq!(vk.authorize.as_str(), "https://id.vk.com/authorize");
    }

    #[test]
    fn a_mistake_names_its_variable() {
        for (vars, name) in [
            (&[("ADMIN_OAUTH_VK_CLIENT_ID", "51")][..], "ADMIN_PUBLIC_URL: "),
            (&[PUBLIC, ("ADMIN_OAUTH_X_CLIENT_ID", "us")], "ADMIN_OAUTH_X_CLIENT_SECRET: "),
            (&[PUBLIC, ("ADMIN_OAUTH_X_CLIENT_SECRET", "us")], "ADMIN_OAUTH_X_CLIENT_ID: "),
            (&[PUBLIC, ("ADMIN_OAUTH_X_USER_URL", "http://api.x.com")], "ADMIN_OAUTH_X_USER_URL: "),
            (&[PUBLIC, ("ADMIN_OAUTH_OPENID", "google")], "ADMIN_OAUTH_OPENID: "),
            (&[PUBLIC, ("ADMIN_OAUTH_OPENID", "work,work")], "ADMIN_OAUTH_OPENID: "),
            (&[PUBLIC, ("ADMIN_OAUTH_OPENID", "Work")], "ADMIN_OAUTH_OPENID: "),
            (&[("ADMIN_PUBLIC_URL", "https://cinema.example/a")], "ADMIN_PUBLIC_URL: "),
            (&[PUBLIC, WORK, CONSUMERS, WORK_ID], "ADMIN_OAUTH_WORK_ISSUER: "),
            (&[PUBLIC, WORK, COMMON, WORK_ID, WORK_TRUST], "ADMIN_OAUTH_WORK_TRUST_EMAIL: "),
            (&[("ADMIN_OAUTH_RETURN_TO", "https://cinema.example/?a=b")], "ADMIN_OAUTH_RETURN_TO: "),
            (&[("ADMIN_OAUTH_RETURN_TO", "javascript:alert(1)")], "ADMIN_OAUTH_RETURN_TO: "),
            (&[("ADMIN_OAUTH_LINK_VERIFIED", "yes")], "ADMIN_OAUTH_LINK_VERIFIED: "),
            (&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "ignore")], "ADMIN_OAUTH_UNTRUSTED_EMAIL: "),
        ] {
            let mistakes = read(vars).unwrap_err();
            assert!(mistakes.iter().any(|line| line.starts_with(name)), "{vars:?}: {mistakes:?}");
        }
    }

    #[test]
    fn the_issuer_of_all_tenants_is_accepted() {
        assert_eq!(read(&[PUBLIC, WORK, COMMON, WORK_ID]).unwrap().all.len(), 1);
    }

    #[test]
    fn an_openid_provider_requires_an_issuer_and_a_client_id() {
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

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused_without_panic(text: String) {
            let _verdicts = (endpoint(&text), pages(&text), names(&text), public_url(&text));
        }
    }
}
