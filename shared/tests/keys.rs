//! Key sets as issuers publish them, valid and odd.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at the first surprise")]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::CompressedEdwardsY;
use forge::Mint;
use proptest::prelude::*;
use serde_json::{Value, json};
use shared::token::{Algorithm, Foreign, JwksError, KeySet, TokenError, TokenProfile, Verifier};

const ISSUER: &str = "https://cinema.example";
const NOW: u64 = 1_800_000_000;

fn parse(keys: &[Value]) -> Result<KeySet, JwksError> {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes(), &Algorithm::ALL)
}

/// The key of `mint` with one member changed; null removes it.
fn changed(mint: &Mint, member: &str, value: Value) -> Value {
    let mut jwk = mint.jwk();
    match value {
        Value::Null => drop(jwk.as_object_mut().unwrap().remove(member)),
        value => jwk[member] = value,
    }
    jwk
}

/// What happens to `odd` beside a valid key: why it is refused; `None` if it is ignored without a complaint.
#[track_caller]
fn beside_a_valid_key(odd: &Value) -> Option<&'static str> {
    let valid = Mint::new();
    for keys in [[odd.clone(), valid.jwk()], [valid.jwk(), odd.clone()]] {
        let set = parse(&keys).unwrap();
        assert_eq!(set.kids(), [valid.kid()], "{odd}");
    }
    let alone = parse(std::slice::from_ref(odd));
    assert!(matches!(alone, Err(JwksError::NoUsableKey { .. })), "{odd}");
    parse(&[odd.clone(), valid.jwk()]).unwrap().refused().first().map(|key| key.why)
}

fn ed25519(x: &[u8]) -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": "evil", "x": URL_SAFE_NO_PAD.encode(x) })
}

fn foreign(mint: &Mint, token: &str, set: &KeySet) -> Result<(), TokenError> {
    let profile = TokenProfile::Foreign(Foreign {
        algorithms: Algorithm::ALL.to_vec(),
        token_type: None,
        user_claim: "sub".into(),
        session_claim: "sid".into(),
        roles_claim: "roles".into(),
    });
    let verifier = Verifier { profile, issuer: ISSUER.into(), leeway: 5, max_life: 900 };
    assert!(set.find(mint.kid()).is_some());
    verifier.verify(token, set, NOW).map(|_| ())
}

/// Whether a token of `mint` is valid under the key that it publishes as `jwk`.
fn verifies(mint: &Mint, jwk: Value) -> bool {
    let token = mint.token(&forge::claims(ISSUER, NOW));
    foreign(mint, &token, &parse(&[jwk]).unwrap()).is_ok()
}

#[test]
fn points_of_small_order_are_refused_in_every_spelling() {
    let mut points: Vec<[u8; 32]> = EIGHT_TORSION.iter().map(|point| point.compress().0).collect();
    // Where x is zero, the sign has no meaning.
    for point in points.clone() {
        let mut other_sign = point;
        other_sign[31] ^= 0x80;
        points.push(other_sign);
    }
    // y and y + p are the same number.
    for more in 0..19 {
        for sign in [0x7f, 0xff] {
            let mut point = [0xff; 32];
            (point[0], point[31]) = (0xed + more, sign);
            points.push(point);
        }
    }
    for point in points {
        let why = beside_a_valid_key(&ed25519(&point)).unwrap();
        assert!(why.contains("point"), "{point:?}: {why}");
    }
}

#[test]
fn points_with_a_part_of_small_order_are_refused() {
    for torsion in &EIGHT_TORSION[1..] {
        let mixed = (ED25519_BASEPOINT_POINT + torsion).compress();
        assert_eq!(beside_a_valid_key(&ed25519(&mixed.0)), Some("its point is of small order"));
    }
    let set = parse(&[ed25519(&ED25519_BASEPOINT_POINT.compress().0)]).unwrap();
    assert_eq!(set.kids(), ["evil"]);
}

#[test]
fn points_off_the_curve_are_refused() {
    let off = (2..=255_u8).map(|y| [&[y][..], &[0; 31]].concat());
    let off = off.filter(|bytes| CompressedEdwardsY::from_slice(bytes).unwrap().decompress().is_none());
    for bytes in off {
        assert_eq!(beside_a_valid_key(&ed25519(&bytes)), Some("its point is not on the curve"));
    }
    let mint = Mint::p256();
    let point = URL_SAFE_NO_PAD.encode([7; 32]);
    assert_eq!(beside_a_valid_key(&changed(&mint, "y", json!(point))), Some("its point is not on the curve"));
    let (x, y) = (mint.jwk()["x"].clone(), mint.jwk()["y"].clone());
    let mut swapped = changed(&mint, "x", y);
    swapped["y"] = x;
    assert!(beside_a_valid_key(&swapped).is_some());
    let zero = URL_SAFE_NO_PAD.encode([0; 32]);
    assert!(
        beside_a_valid_key(&json!({ "kty": "EC", "crv": "P-256", "kid": "a", "x": zero, "y": zero }))
            .is_some()
    );
}

#[test]
fn parts_of_another_length_or_alphabet_are_refused() {
    for mint in [Mint::new(), Mint::p256()] {
        let x = mint.jwk()["x"].as_str().unwrap().to_owned();
        let bytes = URL_SAFE_NO_PAD.decode(&x).unwrap();
        for bad in [
            json!(""),
            json!(format!("{x}=")),
            json!(format!("{x}\n")),
            json!(URL_SAFE_NO_PAD.encode(&bytes[1..])),
            json!(URL_SAFE_NO_PAD.encode([&[0], &bytes[..]].concat())),
            json!(7),
            json!([x]),
            Value::Null,
        ] {
            assert!(beside_a_valid_key(&changed(&mint, "x", bad.clone())).is_some(), "{bad}");
        }
    }
}

#[test]
fn an_odd_member_costs_that_key_alone() {
    let mint = Mint::new();
    for odd in [
        json!(null),
        json!("text"),
        json!(7),
        json!([]),
        json!({}),
        json!(["OKP", "Ed25519"]),
        changed(&mint, "kid", json!(5)),
        changed(&mint, "kid", json!("")),
        changed(&mint, "kid", json!("a".repeat(257))),
        changed(&mint, "kid", Value::Null),
        changed(&mint, "kty", json!(["OKP"])),
        changed(&mint, "use", json!(["sig"])),
        changed(&mint, "alg", json!({ "name": "EdDSA" })),
        changed(&mint, "key_ops", json!("verify")),
        changed(&mint, "key_ops", json!(["verify", 7])),
        changed(&mint, "d", json!("c2VjcmV0")),
        changed(&mint, "x5c", json!("MIIB")),
        changed(&mint, "x5c", json!([])),
        changed(&mint, "x5c", json!(["not base64!"])),
    ] {
        assert!(beside_a_valid_key(&odd).is_some(), "{odd}");
    }
    let valid = Mint::new();
    let twice = format!(r#"{{"kid":"other",{}"#, &mint.jwk().to_string()[1..]);
    let set = format!(r#"{{"keys":[{twice},{}]}}"#, valid.jwk());
    let set = KeySet::parse(set.as_bytes(), &Algorithm::ALL).unwrap();
    assert_eq!((set.kids(), set.refused().len()), (vec![valid.kid()], 1));
}

#[test]
fn keys_for_something_else_are_ignored_without_a_complaint() {
    let mint = Mint::new();
    for other in [
        changed(&mint, "use", json!("enc")),
        changed(&mint, "key_ops", json!(["sign"])),
        changed(&mint, "key_ops", json!(["encrypt", "deriveKey"])),
        changed(&mint, "key_ops", json!([])),
        changed(&mint, "alg", json!("RS256")),
        changed(&mint, "alg", json!("Ed448")),
        changed(&mint, "crv", json!("X25519")),
        changed(&mint, "crv", json!("Ed448")),
        changed(&mint, "kty", json!("AKP")),
        changed(&Mint::p256(), "crv", json!("P-384")),
        changed(&Mint::p256(), "alg", json!("ES384")),
        changed(&Mint::rsa(), "alg", json!("PS256")),
        changed(&Mint::rsa(), "alg", json!("RSA-OAEP")),
        json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "oct", "alg": "HS256" }),
    ] {
        assert_eq!(beside_a_valid_key(&other), None, "{other}");
    }
    let verifying = changed(&mint, "key_ops", json!(["sign", "verify"]));
    assert!(verifies(&mint, verifying));
}

#[test]
fn weak_rsa_keys_are_refused_and_leading_zeros_are_removed() {
    let mint = Mint::rsa();
    let n = URL_SAFE_NO_PAD.decode(mint.jwk()["n"].as_str().unwrap()).unwrap();
    let with = |member, bytes: &[u8]| changed(&mint, member, json!(URL_SAFE_NO_PAD.encode(bytes)));
    for zeros in 1..3 {
        let padded = [&vec![0; zeros], &n[..]].concat();
        assert!(verifies(&mint, with("n", &padded)), "{zeros} zeros before n");
        assert!(verifies(&mint, with("e", &[&vec![0; zeros][..], &[1, 0, 1]].concat())));
    }
    let mut even = n.clone();
    even[255] &= 0xfe;
    let mut short = n.clone();
    short[0] = 0x7f;
    for (member, bytes) in [
        ("n", &n[128..]),
        ("n", &n[1..]),
        ("n", &short),
        ("n", &even),
        ("n", &[][..]),
        ("n", &[0; 256]),
        ("n", &[0xff; 1025]),
        ("e", &[1]),
        ("e", &[3]),
        ("e", &[17]),
        ("e", &[0]),
        ("e", &[][..]),
        ("e", &[1, 0, 0]),
        ("e", &[1, 0, 2]),
        ("e", &[1, 0, 0, 0, 1]),
        ("e", &[2, 0, 0, 0, 1]),
        ("e", &[1; 9]),
    ] {
        // 2^32 + 1 is the largest kind of exponent that aws-lc accepts.
        let is_usable = member == "e" && bytes == [1, 0, 0, 0, 1];
        let jwk = with(member, bytes);
        assert_eq!(parse(std::slice::from_ref(&jwk)).is_ok(), is_usable, "{member} {bytes:?}");
        assert!(is_usable || beside_a_valid_key(&jwk).is_some(), "{member} {bytes:?}");
    }
}

#[test]
fn a_certificate_must_be_of_the_same_key() {
    for mint in [Mint::new(), Mint::p256(), Mint::rsa()] {
        let member = if mint.jwk()["kty"] == "RSA" { "n" } else { "x" };
        let own = URL_SAFE_NO_PAD.decode(mint.jwk()[member].as_str().unwrap()).unwrap();
        let certificate = |key: &[u8]| STANDARD.encode([&[0x30, 0x82], key, &[1, 2, 3]].concat());
        assert!(verifies(&mint, changed(&mint, "x5c", json!([certificate(&own), "chain"]))));
        let other = changed(&mint, "x5c", json!([certificate(&[7; 300]), certificate(&own)]));
        assert_eq!(beside_a_valid_key(&other), Some("its x5c is a certificate of another key"));
    }
}

#[test]
fn both_names_of_ed25519_mean_the_same_for_its_keys_alone() {
    let mint = Mint::new();
    let claims = forge::claims(ISSUER, NOW);
    let token = |alg: &str| {
        let mut header = mint.header();
        header["alg"] = json!(alg);
        mint.token_with_header(&header, &claims)
    };
    for published in [json!("EdDSA"), json!("Ed25519"), Value::Null] {
        let set = parse(&[changed(&mint, "alg", published)]).unwrap();
        for alg in ["EdDSA", "Ed25519"] {
            assert_eq!(foreign(&mint, &token(alg), &set), Ok(()), "{alg}");
        }
        for alg in ["ed25519", "eddsa", "Ed448", "ES256", "none", ""] {
            assert_eq!(foreign(&mint, &token(alg), &set), Err(TokenError::WrongAlgorithm), "{alg}");
        }
    }
    let p256 = Mint::p256();
    let mut header = p256.header();
    header["alg"] = json!("Ed25519");
    let set = parse(&[p256.jwk()]).unwrap();
    assert_eq!(
        foreign(&p256, &p256.token_with_header(&header, &claims), &set),
        Err(TokenError::WrongAlgorithm)
    );
}

#[test]
fn different_keys_with_one_kid_are_refused_and_others_stay() {
    let (valid, one, two, three) =
        (Mint::new(), Mint::new().named("a"), Mint::p256().named("a"), Mint::new().named("a"));
    let set = parse(&[one.jwk(), valid.jwk(), two.jwk(), three.jwk(), valid.jwk()]).unwrap();
    assert_eq!(set.kids(), [valid.kid()]);
    assert_eq!(set.refused().len(), 1);
    assert_eq!(set.refused()[0].kid.as_deref(), Some("a"));
}

#[test]
fn a_set_without_a_key_for_the_accepted_algorithms_is_none() {
    let set = Mint::rsa().jwks();
    assert!(KeySet::parse(set.as_bytes(), &[Algorithm::Rs256]).is_ok());
    let refused =
        KeySet::parse(set.as_bytes(), &[Algorithm::EdDsa, Algorithm::Es256]).err().unwrap().to_string();
    assert!(refused.contains("EdDSA, ES256"), "{refused}");
    let odd = parse(&[ed25519(&[0; 32])]).err().unwrap();
    assert_eq!(odd.refused().len(), 1);
    assert!(odd.to_string().contains("\"evil\" is not used"), "{odd}");
}

#[test]
fn documents_that_are_no_key_set_are_refused() {
    for document in
        ["", "[]", "{}", "null", "<html>", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, r#"[[]]"#]
    {
        let parsed = KeySet::parse(document.as_bytes(), &Algorithm::ALL);
        assert!(matches!(parsed, Err(JwksError::Malformed)), "{document}");
    }
    let many = vec![json!({}); 10_000];
    assert!(matches!(parse(&many), Err(JwksError::TooMany(10_000))));
    let deep = format!(r#"{{"keys":[{}{}]}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(KeySet::parse(deep.as_bytes(), &Algorithm::ALL).is_err());
}

proptest! {
    #[test]
    fn no_document_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _any = KeySet::parse(&bytes, &Algorithm::ALL);
    }

    #[test]
    fn no_member_panics_or_costs_another_key(name in "kty|kid|crv|x|y|n|e|use|alg|key_ops|x5c|d", text in r#"[\[\]{}",:0-9a-z]{0,40}"#) {
        let value = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
        let valid = Mint::from_seed(&[7; 32]);
        for mint in [Mint::from_seed(&[8; 32]), Mint::p256()] {
            let set = parse(&[changed(&mint, &name, value.clone()), valid.jwk()]).unwrap();
            prop_assert!(set.find(valid.kid()).is_some() || name == "kid");
        }
    }
}
