//! Microsoft's identity platform with the common issuer of all tenants: the discovery document names a template, and each
//! ID token the issuer of its tenant. The tenant of personal accounts has a document of its own. No claim says that an
//! address is verified.

use hyper::header::WWW_AUTHENTICATE;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::context::{Context, unauthorized};
use crate::endpoint::Endpoint;
use crate::fault::Fault;
use crate::key;
use crate::person::Person;
use crate::pkce::Pkce;
use crate::provider::Provider;
use crate::random;
use crate::reply::Reply;
use crate::store::AN_HOUR;
use crate::stub::{ClientAuth, Grant, Scopes, Stub, present};

/// The tenant of personal accounts.
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// A tenant without users.
const OTHER: &str = "00000000-0000-4000-8000-000000000000";

pub(super) static STUB: Stub = Stub {
    provider: Provider::Microsoft,
    title: "Microsoft",
    paths: &[
        ("/common/oauth2/v2.0/authorize", Endpoint::Authorize),
        ("/common/oauth2/v2.0/token", Endpoint::Token),
        ("/oidc/userinfo", Endpoint::User),
        ("/common/discovery/v2.0/keys", Endpoint::Keys),
        ("/common/v2.0/.well-known/openid-configuration", Endpoint::Discovery),
        ("/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0/.well-known/openid-configuration", Endpoint::Discovery),
    ],
    scopes: Scopes { separator: ' ', known: &["openid", "email", "profile", "offline_access"], default: &[] },
    pkce: Pkce { required: false, methods: &["S256"], dots: true },
    client_auth: ClientAuth { basic: true, body: true, public: false },
    required: &["grant_type", "code", "redirect_uri"],
    device: false,
    inspect: |query| match query.get("scope") {
        Some(_) => Ok(()),
        None => Err("scope is missing".to_owned()),
    },
    callback: |_| vec![("session_state", random::word())],
    grant,
    refuse: |_, refusal| refusal.as_rfc_6749(),
    user,
};

/// The issuer of a tenant, or, with `{tenantid}`, the template.
fn issuer(cx: &Context<'_>, tenant: &str) -> String {
    format!("{}/microsoft/{tenant}/v2.0", cx.store.url)
}

fn grant(cx: &Context<'_>, grant: &Grant<'_>) -> Reply {
    let scopes = &grant.code.request.scopes;
    let is_openid = scopes.iter().any(|scope| scope == "openid");
    let token = is_openid.then(|| cx.store.key.sign(&cx.store.key.id, &claims(cx, grant))).transpose();
    let Ok(token) = token else { return Reply::empty(StatusCode::INTERNAL_SERVER_ERROR) };
    let body = present(json!({
        "token_type": "Bearer",
        "scope": scopes.join(" "),
        "expires_in": AN_HOUR,
        "ext_expires_in": AN_HOUR,
        "access_token": grant.token,
        "id_token": token,
    }));
    Reply::json(StatusCode::OK, &body)
}

fn claims(cx: &Context<'_>, grant: &Grant<'_>) -> Value {
    let (request, person) = (&grant.code.request, &grant.person);
    let tenant = person.tenant.as_deref().unwrap_or(PERSONAL);
    let may = |scope: &str| request.scopes.iter().any(|granted| granted == scope);
    let mut claims = present(json!({
        "iss": if cx.has(Fault::WrongIssuer) { "https://evil.example/v2.0".to_owned() } else { issuer(cx, tenant) },
        "tid": if cx.has(Fault::WrongTenant) { OTHER } else { tenant },
        "aud": request.client,
        "sub": (!cx.has(Fault::NoSubject)).then_some(&person.subject),
        "nonce": request.nonce,
        "iat": cx.now,
        "exp": cx.now + AN_HOUR,
        "ver": "2.0",
        "email": person.email.as_deref().filter(|_| may("email")),
        // Only if the administrator of the tenant has added it: nothing that a client should believe.
        "email_verified": person.email_verified.then_some(true),
        "name": person.name.as_deref().filter(|_| may("profile")),
        "preferred_username": person.email.as_deref().filter(|_| may("profile")),
    }));
    if cx.has(Fault::LargeIdToken) {
        key::enlarge(&mut claims);
    }
    claims
}

fn user(cx: &Context<'_>) -> Reply {
    if cx.request.method != Method::GET {
        return Reply::method_not_allowed("GET");
    }
    match cx.holder_by("Bearer") {
        Some(holder) if holder.may("openid") => Reply::json(StatusCode::OK, &profile(&holder.person)),
        Some(_) => Reply::json(StatusCode::FORBIDDEN, &json!({ "error": { "code": "AccessDenied" } }))
            .with(WWW_AUTHENTICATE, "Bearer error=\"insufficient_scope\""),
        None => unauthorized("Bearer", &json!({ "error": { "code": "InvalidAuthenticationToken" } })),
    }
}

fn profile(person: &Person) -> Value {
    present(json!({ "sub": person.subject, "name": person.name, "email": person.email }))
}

/// The key set, in which the key names the issuer whose tokens it signs.
pub(crate) fn keys(cx: &Context<'_>) -> Reply {
    let tenant = if cx.has(Fault::WrongKeyIssuer) { OTHER } else { "{tenantid}" };
    let mut set = cx.store.key.set();
    for key in set.get_mut("keys").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(members) = key.as_object_mut() {
            members.insert("issuer".to_owned(), json!(issuer(cx, tenant)));
        }
    }
    Reply::json(StatusCode::OK, &set)
}

/// The discovery document.
pub(crate) fn discovery(cx: &Context<'_>) -> Reply {
    let at = |path: &str| format!("{}/microsoft{path}", cx.store.url);
    let tenant = if cx.request.path.contains(PERSONAL) { PERSONAL } else { "{tenantid}" };
    let document = json!({
        "issuer": issuer(cx, tenant),
        "authorization_endpoint": at("/common/oauth2/v2.0/authorize"),
        "token_endpoint": at("/common/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "userinfo_endpoint": at("/oidc/userinfo"),
        "jwks_uri": at("/common/discovery/v2.0/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
    });
    Reply::json(StatusCode::OK, &document)
}
