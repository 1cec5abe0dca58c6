//! One member of a JWK Set (RFC 7517): checked when it is read, so that each key in use can verify.

use std::sync::Arc;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use curve25519_dalek::edwards::CompressedEdwardsY;
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};

use super::key::{Algorithm, PublicKey};

/// The longest `kid`, in bytes.
const MAX_KID_BYTES: usize = 256;

/// The length of an Ed25519 key and of each coordinate of a P-256 key, in bytes.
const POINT_BYTES: usize = 32;

/// The shortest and longest modulus of an RSA key, in bits.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The smallest and largest exponent of an RSA key: above 2^16 (FIPS 186-5, section 5.1), and at most the 33 bits that
/// aws-lc accepts.
const EXPONENTS: std::ops::Range<u64> = (1 << 16) + 1..1 << 33;

/// Members that only private and symmetric keys have (RFC 7518, section 6; RFC 8037, section 2).
const PRIVATE: [&str; 8] = ["d", "k", "p", "q", "dp", "dq", "qi", "oth"];

/// The kinds of members of a key set.
pub(super) enum Jwk {
    /// A key that can verify.
    Usable(PublicKey),
    /// A key for another purpose, another algorithm or of another type. Issuers publish those too.
    Other,
    /// A key that should be usable and is not. With its `kid`, if it has one, and what is wrong.
    Odd(Option<String>, &'static str),
}

/// Reads one member.
pub(super) fn read(member: &Value) -> Jwk {
    let Value::Object(jwk) = member else { return Jwk::Odd(None, "it is not one JSON object") };
    let kid = text(jwk, "kid").ok().flatten().filter(|kid| (1..=MAX_KID_BYTES).contains(&kid.len()));
    match read_key(jwk, kid) {
        Ok(Some(key)) => Jwk::Usable(key),
        Ok(None) => Jwk::Other,
        Err(why) => Jwk::Odd(kid.map(str::to_owned), why),
    }
}

/// The key; `None` if it is for something else.
fn read_key(jwk: &Map<String, Value>, kid: Option<&str>) -> Result<Option<PublicKey>, &'static str> {
    let curve = text(jwk, "crv")?;
    let algorithm = match (text(jwk, "kty")?.ok_or("it has no kty")?, curve) {
        ("OKP", Some("Ed25519")) => Algorithm::EdDsa,
        ("EC", Some("P-256")) => Algorithm::Es256,
        ("RSA", _) => Algorithm::Rs256,
        _ => return Ok(None),
    };
    if !is_for_verification(jwk)? || text(jwk, "alg")?.is_some_and(|name| !algorithm.is_named(name)) {
        return Ok(None);
    }
    if PRIVATE.iter().any(|member| jwk.contains_key(*member)) {
        return Err("it contains private members; replace the key, because its private part was published");
    }
    let kid = kid.ok_or("it has no kid, or one that is not a string of 1 to 256 bytes")?;
    let (key, parsed, named) = match algorithm {
        Algorithm::EdDsa => ed25519(jwk)?,
        Algorithm::Es256 => p256(jwk)?,
        Algorithm::Rs256 => rsa(jwk)?,
    };
    check_certificate(jwk, &named)?;
    let issuer = jwk.get("issuer").map(|issuer| issuer.as_str().unwrap_or_default().into());
    let der = (*parsed).as_ref().into();
    Ok(Some(PublicKey { kid: kid.to_owned(), algorithm, key: Arc::new(key), der, issuer }))
}

/// Whether `use` and `key_ops`, where present, allow verifying (RFC 7517, sections 4.2 and 4.3).
fn is_for_verification(jwk: &Map<String, Value>) -> Result<bool, &'static str> {
    if text(jwk, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Ok(false);
    }
    let Some(operations) = jwk.get("key_ops") else { return Ok(true) };
    let operations = operations.as_array().ok_or("its key_ops is not an array")?;
    if !operations.iter().all(Value::is_string) {
        return Err("its key_ops contains a value that is not a string");
    }
    Ok(operations.iter().any(|operation| operation == "verify"))
}

/// A key, the same as aws-lc has read it, and the bytes that name it: the point, or the modulus.
type CheckedKey = (DecodingKey, Box<ParsedPublicKey>, Vec<u8>);

/// Refuses a point that is off the curve, in another form than the canonical one, or of an order other than that of the
/// group: with a point of small order every signature can be forged.
fn ed25519(jwk: &Map<String, Value>) -> Result<CheckedKey, &'static str> {
    let bytes = point(jwk, "x")?;
    let compressed = CompressedEdwardsY(bytes);
    let point = compressed.decompress().ok_or("its point is not on the curve")?;
    if point.compress() != compressed {
        return Err("its point is not in the canonical form");
    }
    if point.is_small_order() || !point.is_torsion_free() {
        return Err("its point is of small order");
    }
    let parsed = ParsedPublicKey::new(&ED25519, bytes).map_err(|_| "it is not an Ed25519 key")?;
    Ok((DecodingKey::from_ed_der(&bytes), Box::new(parsed), bytes.to_vec()))
}

/// aws-lc refuses a point that is not on the curve.
fn p256(jwk: &Map<String, Value>) -> Result<CheckedKey, &'static str> {
    let (x, y) = (point(jwk, "x")?, point(jwk, "y")?);
    let uncompressed = [&[4], &x[..], &y[..]].concat();
    let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &uncompressed);
    let parsed = parsed.map_err(|_| "its point is not on the curve")?;
    Ok((DecodingKey::from_ec_der(&uncompressed), Box::new(parsed), x.to_vec()))
}

/// Leading zeros are removed, although RFC 7518 (section 2) forbids them: some libraries write the sign byte of DER.
fn rsa(jwk: &Map<String, Value>) -> Result<CheckedKey, &'static str> {
    let number = |name| Ok::<_, &'static str>(without_zeros(decode(jwk, name)?));
    let (n, e) = (number("n")?, number("e")?);
    let bits = n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
    if !MODULUS_BITS.contains(&bits) || n.last().is_none_or(|last| last % 2 == 0) {
        return Err("its modulus must be odd and have 2048 to 8192 bits");
    }
    let exponent =
        if e.len() > 8 { 0 } else { e.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)) };
    if !EXPONENTS.contains(&exponent) || exponent % 2 == 0 {
        return Err("its exponent must be odd, over 65536 and below 2^33");
    }
    let components = RsaPublicKeyComponents { n: &n, e: &e };
    let parsed = components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256);
    let parsed = parsed.map_err(|_| "it is not an RSA key")?;
    Ok((DecodingKey::from_rsa_raw_components(&n, &e), Box::new(parsed), n))
}

/// A certificate beside a key must be of the same key (RFC 7517, section 4.7). Nothing else in it is read: the trust is
/// in where the key set comes from.
fn check_certificate(jwk: &Map<String, Value>, named: &[u8]) -> Result<(), &'static str> {
    let Some(chain) = jwk.get("x5c") else { return Ok(()) };
    let first = chain.as_array().and_then(|chain| chain.first()).and_then(Value::as_str);
    let certificate =
        first.and_then(|text| STANDARD.decode(text).ok()).ok_or("its x5c has no certificate")?;
    let is_same = certificate.windows(named.len()).any(|part| part == named);
    if is_same { Ok(()) } else { Err("its x5c is a certificate of another key") }
}

/// A member that is a text, if it is there.
fn text<'j>(jwk: &'j Map<String, Value>, name: &'static str) -> Result<Option<&'j str>, &'static str> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err("its kty, crv, use, alg, x, y, n or e is not a string"),
    }
}

fn decode(jwk: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, &'static str> {
    let text = text(jwk, name)?.ok_or("its x, y, n or e is missing")?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| "its x, y, n or e is not base64url without padding")
}

fn point(jwk: &Map<String, Value>, name: &'static str) -> Result<[u8; POINT_BYTES], &'static str> {
    decode(jwk, name)?.try_into().map_err(|_| "its x or y does not have 32 bytes")
}

fn without_zeros(bytes: Vec<u8>) -> Vec<u8> {
    bytes.into_iter().skip_while(|byte| *byte == 0).collect()
}
