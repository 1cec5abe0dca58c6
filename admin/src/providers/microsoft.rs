//! Issuers of Microsoft's identity platform: of one tenant, or of all.
//!
//! The discovery document of all tenants does not name an issuer but a template, with `{tenantid}` in the place of the tenant
//! that a token names in its claim `tid`.
//! Source: learn.microsoft.com, "OpenID Connect on the Microsoft identity platform" and "Access tokens", validation of
//! the issuer and of the issuer of the signing key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use shared::json;
use url::Url;
use uuid::Uuid;

/// The part of a template that stands for a tenant.
const TENANT: &str = "{tenantid}";

/// The words that stand for all tenants in the path of an issuer.
const ALL_TENANTS: [&str; 2] = ["common", "organizations"];

/// Microsoft's hosts, of which each cloud has one.
const HOSTS: [&str; 3] =
    ["login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"];

/// Checks an issuer at one of Microsoft's hosts, so that one that can never match is refused before a user meets it.
///
/// # Errors
///
/// When it is neither of one tenant nor of all.
pub(super) fn check(url: &Url, text: &str) -> Result<(), &'static str> {
    if !url.host_str().is_some_and(|host| HOSTS.contains(&host)) {
        return Ok(());
    }
    // A token names its issuer letter by letter.
    if url.as_str() != text {
        return Err("must be written at this host as Microsoft writes it: in lower case, without a port");
    }
    let tenant = url.path().strip_prefix('/').and_then(|path| path.strip_suffix("/v2.0"));
    match tenant {
        Some(tenant) if ALL_TENANTS.contains(&tenant) || is_tenant(tenant) => Ok(()),
        _ if text.contains(TENANT) => {
            Err("must name a tenant, `common` or `organizations` in the place of `{tenantid}`")
        }
        _ => Err(
            "must end with /<tenant>/v2.0 at this host, where <tenant> is the ID of the tenant (a UUID in \
                  lower case; 9188040d-6c67-4c5b-b112-36a304b66dad for personal accounts), `common` or \
                  `organizations`",
        ),
    }
}

/// Whether an issuer stands for all tenants: at Microsoft, or on this machine, where tests have a mock.
pub(super) fn is_of_all_tenants(issuer: &str) -> bool {
    template(issuer).is_some()
}

/// The template that the discovery document of `issuer` has to name, if it stands for all tenants.
pub(super) fn template(issuer: &str) -> Option<String> {
    let url: Url = issuer.parse().ok()?;
    let is_known = url.host_str().is_some_and(|host| HOSTS.contains(&host)) || url.scheme() == "http";
    let tenants = issuer.strip_suffix("/v2.0").filter(|_| is_known)?;
    let base = ALL_TENANTS.iter().find_map(|word| tenants.strip_suffix(word)?.strip_suffix('/'))?;
    Some(format!("{base}/{TENANT}/v2.0"))
}

/// The issuers that a key of the tenant with this `issuer` may name as its own: the issuer, or the template, which is that of
/// a key for all tenants. `None` if the issuer is not that of a tenant.
pub(super) fn key_issuers(issuer: &str) -> Option<Vec<String>> {
    let url: Url = issuer.parse().ok()?;
    let is_known = url.host_str().is_some_and(|host| HOSTS.contains(&host)) || url.scheme() == "http";
    let (base, tenant) = issuer.strip_suffix("/v2.0").filter(|_| is_known)?.rsplit_once('/')?;
    is_tenant(tenant).then(|| vec![issuer.to_owned(), format!("{base}/{TENANT}/v2.0")])
}

/// The issuer, by `template`, that an ID token of its tenant must name, and the tenant. The token is not verified yet:
/// its own claim only chooses which issuer it will be compared with.
pub(super) fn issuer_of(template: &str, token: &str) -> Option<(String, String)> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = json::value(&payload).ok()?;
    let tenant = claims.get("tid")?.as_str().filter(|tenant| is_tenant(tenant))?;
    Some((template.replace(TENANT, tenant), tenant.to_owned()))
}

/// Marks verified claims as those of a user of `tenant`. A subject is unique in its tenant. No address is vouched for:
/// the administrators of any tenant may write any address into it.
pub(super) fn within(tenant: &str, claims: &mut Map<String, Value>) {
    if let Some(Value::String(subject)) = claims.get_mut("sub") {
        subject.insert_str(0, &format!("{tenant}/"));
    }
    claims.remove("email_verified");
}

/// Whether `issuer` is that of a tenant by `template`.
pub(super) fn fits(template: &str, issuer: &str) -> bool {
    let parts = template.split_once(TENANT);
    let tenant = parts.and_then(|(before, after)| issuer.strip_prefix(before)?.strip_suffix(after));
    tenant.is_some_and(is_tenant)
}

/// A UUID in the one form in which it appears in issuers.
fn is_tenant(text: &str) -> bool {
    text.parse::<Uuid>().is_ok_and(|id| id.hyphenated().to_string() == text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const TENANT_ID: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

    fn is_accepted(path: &str) -> bool {
        let text = format!("https://login.microsoftonline.com/{path}");
        check(&text.parse().unwrap(), &text).is_ok()
    }

    #[test]
    fn an_issuer_at_microsoft_is_of_one_tenant_or_of_all() {
        for good in ["common/v2.0", "organizations/v2.0", &format!("{TENANT_ID}/v2.0")] {
            assert!(is_accepted(good), "{good}");
        }
        for bad in [
            "",
            "v2.0",
            "common",
            "common/v2.0/",
            "consumers/v2.0",
            "contoso.onmicrosoft.com/v2.0",
            "{tenantid}/v2.0",
            &format!("{}/v2.0", TENANT_ID.to_ascii_uppercase()),
        ] {
            assert!(!is_accepted(bad), "{bad}");
        }
        let elsewhere = "https://id.example/anything";
        assert_eq!(check(&elsewhere.parse().unwrap(), elsewhere), Ok(()));
    }

    #[test]
    fn only_an_issuer_of_all_tenants_has_a_template() {
        let of = |issuer: &str| template(issuer);
        let expected = Some("https://login.microsoftonline.com/{tenantid}/v2.0".to_owned());
        assert_eq!(of("https://login.microsoftonline.com/common/v2.0"), expected);
        assert_eq!(of("https://login.microsoftonline.com/organizations/v2.0"), expected);
        for other in [
            &*format!("https://login.microsoftonline.com/{TENANT_ID}/v2.0"),
            "https://id.example/common/v2.0",
            "https://id.example/realms/common",
            "https://login.microsoftonline.com.example/common/v2.0",
            "https://login.microsoftonline.com/uncommon/v2.0",
            "nonsense",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn a_key_of_a_tenant_names_the_issuer_of_the_tenant_or_of_all() {
        let issuer = format!("https://login.microsoftonline.com/{TENANT_ID}/v2.0");
        let template = "https://login.microsoftonline.com/{tenantid}/v2.0".to_owned();
        assert_eq!(key_issuers(&issuer), Some(vec![issuer, template]));
        for other in [
            "https://login.microsoftonline.com/common/v2.0",
            &format!("https://id.example/{TENANT_ID}/v2.0"),
            &format!("https://login.microsoftonline.com/{TENANT_ID}"),
            "nonsense",
        ] {
            assert_eq!(key_issuers(other), None, "{other}");
        }
    }

    fn token(claims: &Value) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    #[test]
    fn a_token_is_compared_with_the_issuer_of_the_tenant_that_it_names() {
        let template = "https://login.microsoftonline.com/{tenantid}/v2.0";
        let (issuer, tenant) = issuer_of(template, &token(&json!({ "tid": TENANT_ID }))).unwrap();
        assert_eq!(issuer, format!("https://login.microsoftonline.com/{TENANT_ID}/v2.0"));
        assert_eq!(tenant, TENANT_ID);
        assert!(
            fits(template, &issuer) && !fits(template, template) && !fits(template, "https://id.example")
        );
        for tid in [json!(null), json!("common"), json!("{tenantid}"), json!("../x"), json!(7), json!("")] {
            assert_eq!(issuer_of(template, &token(&json!({ "tid": tid }))), None, "{tid}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_panic(text: String) {
            let _verdicts =
                (template(&text), key_issuers(&text), issuer_of("{tenantid}", &text), is_tenant(&text));
        }

        #[test]
        fn no_claim_chooses_another_host(tid in "\\PC{0,40}") {
            let template = "https://login.microsoftonline.com/{tenantid}/v2.0";
            if let Some((issuer, _)) = issuer_of(template, &token(&json!({ "tid": tid }))) {
                prop_assert!(issuer.starts_with("https://login.microsoftonline.com/"));
                prop_assert_eq!(issuer.len(), template.len() - TENANT.len() + 36);
            }
        }
    }
}
