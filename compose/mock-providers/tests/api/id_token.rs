//! Google's ID token, its key set, its discovery document, and what can be wrong with a token.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mock_providers::{Fault, Provider, Providers};
use serde_json::{Value, json};

use crate::client::get;
use crate::good::{CLIENT, NONCE, ask, code, granted, jwt, start, token, user};

/// The header, the claims, and whether the published key of that name has signed.
async fn id_token(providers: &Providers, key: &str) -> (Value, Value, bool) {
    let answer = granted(providers, Provider::Google, key).await;
    let token = answer.at("/id_token").as_str().unwrap().to_owned();
    let (header, claims) = jwt(&token);
    let set = get(&(providers.url_of(Provider::Google) + "/oauth2/v3/certs"), &[]).await.json();
    let jwk = set["keys"].as_array().unwrap().iter().find(|jwk| jwk["kid"] == header["kid"]).cloned();
    let Some(jwk) = jwk else { return (header, claims, false) };
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let number = |name: &str| bytes(jwk[name].as_str().unwrap());
    let public = RsaPublicKeyComponents { n: number("n"), e: number("e") };
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signed = public.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &bytes(signature)).is_ok();
    (header, claims, signed)
}

#[tokio::test]
async fn a_valid_token_is_signed_and_repeats_the_nonce() {
    let providers = start().await;
    let (header, claims, signed) = id_token(&providers, "anna").await;
    assert_eq!((&header["alg"], signed), (&json!("RS256"), true));
    assert_eq!(claims["iss"], "https://accounts.google.com");
    assert_eq!(
        (&claims["aud"], &claims["azp"], &claims["nonce"]),
        (&json!(CLIENT), &json!(CLIENT), &json!(NONCE))
    );
    assert_eq!(claims["email"], "anna.pretended.example@gmail.com");
    assert_eq!((&claims["email_verified"], claims.get("hd")), (&json!(true), None));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 3600);
}

#[tokio::test]
async fn egor_is_of_a_workspace_and_his_token_is_odd() {
    let providers = start().await;
    let (_, claims, signed) = id_token(&providers, "egor").await;
    assert!(signed);
    assert_eq!((&claims["iss"], &claims["email_verified"]), (&json!("accounts.google.com"), &json!("true")));
    assert_eq!(claims["hd"], "workspace.example.org");
    let (_, boris, _) = id_token(&providers, "boris").await;
    assert_eq!(boris["email_verified"], json!(false));
    let (_, clara, _) = id_token(&providers, "clara").await;
    assert_eq!((clara.get("email"), clara.get("email_verified")), (None, None));
}

#[tokio::test]
async fn there_is_no_id_token_without_openid_and_no_address_without_email() {
    let providers = start().await;
    for (scope, has_token) in [("email profile", false), ("openid", true)] {
        let asked = ask(Provider::Google).with("scope", scope);
        let answer = code(&providers, Provider::Google, &asked, "anna").await;
        let answer = answer.send(&providers, Provider::Google).await;
        let token = answer.at("/id_token");
        assert_eq!(token.is_string(), has_token, "{scope}");
        if let Some(token) = token.as_str() {
            let (_, claims) = jwt(token);
            assert_eq!((claims.get("email"), claims.get("name")), (None, None));
        }
    }
}

#[tokio::test]
async fn each_fault_changes_one_thing() {
    let providers = start().await;
    for (fault, claim, value) in [
        (Fault::WrongIssuer, "iss", "https://accounts.example.org"),
        (Fault::WrongAudience, "aud", "another-client"),
    ] {
        providers.set_fault(Provider::Google, fault);
        let (_, claims, signed) = id_token(&providers, "anna").await;
        assert_eq!((&claims[claim], signed), (&json!(value), true), "{fault:?}");
    }
    providers.set_fault(Provider::Google, Fault::WrongNonce);
    let (_, claims, signed) = id_token(&providers, "anna").await;
    assert!(signed && claims["nonce"].is_string() && claims["nonce"] != NONCE);
    providers.set_fault(Provider::Google, Fault::ExpiredIdToken);
    let fresh = claims["iat"].as_u64().unwrap();
    let (_, claims, signed) = id_token(&providers, "anna").await;
    assert!(signed && claims["exp"].as_u64().unwrap() <= fresh - 3500);
    providers.set_fault(Provider::Google, Fault::NoSubject);
    let (_, claims, signed) = id_token(&providers, "anna").await;
    assert!(signed && claims.get("sub").is_none());
}

#[tokio::test]
async fn each_fault_of_the_signature_makes_it_invalid() {
    let providers = start().await;
    for (fault, algorithm, names_the_key) in [
        (Fault::BadSignature, "RS256", true),
        (Fault::UnknownKey, "RS256", false),
        (Fault::AlgNone, "none", false),
        (Fault::Hs256WithPublicKey, "HS256", true),
    ] {
        let (good, ..) = id_token(&providers, "anna").await;
        providers.set_fault(Provider::Google, fault);
        let (header, claims, signed) = id_token(&providers, "anna").await;
        assert_eq!((&header["alg"], signed), (&json!(algorithm), false), "{fault:?}");
        assert_eq!(header["kid"] == good["kid"], names_the_key, "{fault:?}");
        assert_eq!((&claims["nonce"], &claims["aud"]), (&json!(NONCE), &json!(CLIENT)));
        providers.clear_fault(Provider::Google);
    }
}

#[tokio::test]
async fn the_discovery_document_has_our_addresses_and_the_real_issuer() {
    let providers = start().await;
    let url = providers.url_of(Provider::Google);
    let document = get(&format!("{url}/.well-known/openid-configuration"), &[]).await;
    assert_eq!(document.at("/issuer"), "https://accounts.google.com");
    assert_eq!(document.at("/jwks_uri"), format!("{url}/oauth2/v3/certs"));
    assert_eq!(document.at("/token_endpoint"), format!("{url}/token"));
    let asked = providers.requests(Provider::Google);
    assert_eq!((asked.discovery, asked.keys), (1, 0));
}

#[tokio::test]
async fn the_user_data_match_the_token() {
    let providers = start().await;
    let token = token(&providers, Provider::Google, "egor").await;
    let answer = user(&providers, Provider::Google, &token).await;
    let (_, claims, _) = id_token(&providers, "egor").await;
    for claim in ["sub", "email", "email_verified", "hd", "name"] {
        assert_eq!(answer.json()[claim], claims[claim], "{claim}");
    }
}

#[tokio::test]
async fn microsofts_token_names_the_issuer_of_its_tenant_and_the_document_a_template() {
    let providers = start().await;
    let issuer = |tenant: &str| json!(format!("{}/{tenant}/v2.0", providers.url_of(Provider::Microsoft)));
    let found = "/common/v2.0/.well-known/openid-configuration";
    let document = get(&(providers.url_of(Provider::Microsoft) + found), &[]).await.json();
    assert_eq!(document["issuer"], issuer("{tenantid}"));
    let claims = async || {
        let token = granted(&providers, Provider::Microsoft, "anna").await.at("/id_token");
        let token = token.as_str().unwrap().to_owned();
        (jwt(&token).1, token.len())
    };
    let personal = "9188040d-6c67-4c5b-b112-36a304b66dad";
    let (good, length) = claims().await;
    assert_eq!((&good["tid"], &good["iss"]), (&json!(personal), &issuer(personal)));
    assert!(length < 4096, "{length}");
    providers.set_fault(Provider::Microsoft, Fault::WrongTenant);
    let (wrong, _) = claims().await;
    assert!(wrong["tid"] != json!(personal) && wrong["iss"] == issuer(personal));
    providers.set_fault(Provider::Microsoft, Fault::LargeIdToken);
    let (_, length) = claims().await;
    assert!((50 * 1024..60 * 1024).contains(&length), "{length}");
}
