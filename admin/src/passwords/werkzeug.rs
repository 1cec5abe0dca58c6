//! Password hashes of Werkzeug, the library of Flask: imported accounts have them.
//!
//! Such a hash is never stored as it is, because most of them are weak: Argon2id is computed over it, and the result is
//! stored with the method and the salt of the old hash in front, such as
//! `pbkdf2:sha256:260000$gOnr13tz$argon2id$v=19$m=19456,t=2,p=1$...`. A sign-in computes the old hash and then
//! Argon2id, and replaces both by a hash of the password alone.
//!
//! The old hash is computed over the password as it was typed, as Werkzeug did, and not over its normal form: the same
//! keyboard types the same characters again. Trying both forms would take twice as long for some texts.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use aws_lc_rs::{hmac, pbkdf2};

/// More iterations of PBKDF2 take too long; Werkzeug 3.1 uses 1,000,000.
const MAX_ITERATIONS: u32 = 2_000_000;
/// The most memory of scrypt, in bytes; Werkzeug 3.1 uses 32 MiB.
const MAX_MEMORY: u64 = 64 << 20;
/// More work of scrypt, in blocks of 128 bytes, takes too long; Werkzeug 3.1 does 262,144.
const MAX_BLOCKS: u64 = 1 << 20;
/// The longest salt, in bytes; Werkzeug 3.1 uses 16.
const MAX_SALT: usize = 64;

/// How Werkzeug made a hash: the method and its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OldMethod {
    /// HMAC with SHA-256, whose key is the salt: up to Werkzeug 2.2.
    Hmac,
    /// PBKDF2 with this hash function.
    Pbkdf2 { function: HashFunction, iterations: NonZeroU32 },
    /// scrypt: the memory as a binary logarithm, the block size, and the lanes.
    Scrypt { log_n: u8, r: u32, p: u32 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HashFunction {
    Sha1,
    Sha256,
    Sha512,
}

/// A hash as Werkzeug wrote it: `method$salt$hex`. `Debug` prints nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct OldHash {
    pub(super) scheme: OldScheme,
    /// In lower case.
    pub(super) hex: Box<str>,
}

/// The method and the salt of an old hash. Written as `method$salt`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct OldScheme {
    method: OldMethod,
    salt: Box<str>,
}

/// Why a text is not a hash that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOldHash {
    /// Not of Werkzeug.
    #[error(
        "a hash must have the form method$salt$hex of Werkzeug, with the method sha256, pbkdf2:sha1:N, \
        pbkdf2:sha256:N, pbkdf2:sha512:N or scrypt:N:R:P"
    )]
    Malformed,
    /// The parameters are beyond the limits.
    #[error(
        "the parameters of the hash are out of range: at most 2000000 iterations of PBKDF2; scrypt with N a power of \
        two, at most 64 MiB and at most 1048576 blocks"
    )]
    OutOfRange,
}

impl OldMethod {
    /// The length of a hash, in bytes.
    fn output(self) -> usize {
        match self {
            Self::Hmac | Self::Pbkdf2 { function: HashFunction::Sha256, .. } => 32,
            Self::Pbkdf2 { function: HashFunction::Sha1, .. } => 20,
            Self::Pbkdf2 { function: HashFunction::Sha512, .. } | Self::Scrypt { .. } => 64,
        }
    }

    /// Its work, in blocks that Argon2id fills in about the same time: an iteration of PBKDF2 or a block of scrypt takes
    /// no longer than one.
    pub(super) fn work(self) -> u64 {
        match self {
            Self::Hmac => 1,
            Self::Pbkdf2 { iterations, .. } => u64::from(iterations.get()),
            Self::Scrypt { log_n, r, p } => (u64::from(r) * u64::from(p)) << log_n,
        }
    }

    fn scrypt(n: &str, r: &str, p: &str) -> Result<Self, InvalidOldHash> {
        let (n, r, p) = (number(n)?, number(r)?, number(p)?);
        // The product of two numbers below 2^32 fits.
        let blocks = u64::from(n) * u64::from(r);
        let is_bounded = n.is_power_of_two()
            && n > 1
            && r > 0
            && p > 0
            && blocks.checked_mul(128).is_some_and(|bytes| bytes <= MAX_MEMORY)
            && blocks.checked_mul(u64::from(p)).is_some_and(|all| all <= MAX_BLOCKS)
            && u64::from(r) * u64::from(p) < 1 << 30;
        let log_n = u8::try_from(n.trailing_zeros()).map_err(|_| InvalidOldHash::OutOfRange)?;
        if is_bounded && scrypt::Params::new(log_n, r, p).is_ok() {
            Ok(Self::Scrypt { log_n, r, p })
        } else {
            Err(InvalidOldHash::OutOfRange)
        }
    }

    fn pbkdf2(function: &str, iterations: &str) -> Result<Self, InvalidOldHash> {
        let function = match function {
            "sha1" => HashFunction::Sha1,
            "sha256" => HashFunction::Sha256,
            "sha512" => HashFunction::Sha512,
            _ => return Err(InvalidOldHash::Malformed),
        };
        let iterations = NonZeroU32::new(number(iterations)?).ok_or(InvalidOldHash::OutOfRange)?;
        if iterations.get() > MAX_ITERATIONS {
            return Err(InvalidOldHash::OutOfRange);
        }
        Ok(Self::Pbkdf2 { function, iterations })
    }
}

/// A whole number in its usual spelling.
fn number(text: &str) -> Result<u32, InvalidOldHash> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) || text.starts_with('0') {
        return Err(InvalidOldHash::Malformed);
    }
    text.parse().map_err(|_| InvalidOldHash::OutOfRange)
}

impl FromStr for OldMethod {
    type Err = InvalidOldHash;

    fn from_str(text: &str) -> Result<Self, InvalidOldHash> {
        let parts: Vec<&str> = text.split(':').collect();
        match *parts.as_slice() {
            ["sha256"] => Ok(Self::Hmac),
            ["pbkdf2", function, iterations] => Self::pbkdf2(function, iterations),
            ["scrypt", n, r, p] => Self::scrypt(n, r, p),
            _ => Err(InvalidOldHash::Malformed),
        }
    }
}

impl fmt::Display for OldMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hmac => f.write_str("sha256"),
            Self::Pbkdf2 { function, iterations } => write!(f, "pbkdf2:{function}:{iterations}"),
            Self::Scrypt { log_n, r, p } => write!(f, "scrypt:{}:{r}:{p}", 1_u64 << log_n),
        }
    }
}

impl fmt::Display for HashFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        })
    }
}

impl OldScheme {
    /// Its work, as that of its method.
    pub(super) fn work(&self) -> u64 {
        self.method.work()
    }

    /// The hash of a password as it was typed, in hexadecimal digits. `None` only if the library refuses the
    /// parameters, which are within its limits.
    pub(super) fn hash(&self, typed: &str) -> Option<String> {
        let mut output = vec![0; self.method.output()];
        let (password, salt) = (typed.as_bytes(), self.salt.as_bytes());
        match self.method {
            OldMethod::Hmac => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, salt);
                output = hmac::sign(&key, password).as_ref().to_vec();
            }
            OldMethod::Pbkdf2 { function, iterations } => {
                let algorithm = match function {
                    HashFunction::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
                    HashFunction::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
                    HashFunction::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
                };
                pbkdf2::derive(algorithm, iterations, salt, password, &mut output);
            }
            OldMethod::Scrypt { log_n, r, p } => {
                let params = scrypt::Params::new(log_n, r, p).ok()?;
                scrypt::scrypt(password, salt, &params, &mut output).ok()?;
            }
        }
        Some(hex(&output))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl FromStr for OldScheme {
    type Err = InvalidOldHash;

    fn from_str(text: &str) -> Result<Self, InvalidOldHash> {
        let (method, salt) = text.split_once('$').ok_or(InvalidOldHash::Malformed)?;
        let is_salt = (1..=MAX_SALT).contains(&salt.len())
            && salt.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./-_".contains(&byte));
        if !is_salt {
            return Err(InvalidOldHash::Malformed);
        }
        Ok(Self { method: method.parse()?, salt: salt.into() })
    }
}

impl fmt::Display for OldScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}${}", self.method, self.salt)
    }
}

impl FromStr for OldHash {
    type Err = InvalidOldHash;

    fn from_str(text: &str) -> Result<Self, InvalidOldHash> {
        let (scheme, hex) = text.rsplit_once('$').ok_or(InvalidOldHash::Malformed)?;
        let scheme: OldScheme = scheme.parse()?;
        let is_hash =
            hex.len() == scheme.method.output() * 2 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hash {
            return Err(InvalidOldHash::Malformed);
        }
        Ok(Self { scheme, hex: hex.to_ascii_lowercase().into() })
    }
}

impl fmt::Debug for OldHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OldHash")
    }
}

/// The parts of a stored hash that wraps an old one: how the old one was made, and Argon2id of it as a PHC string.
/// `None` for a hash that wraps none.
pub(super) fn unwrap(stored: &str) -> Option<(OldScheme, &str)> {
    let place = stored.find("$argon2id$").filter(|place| *place > 0)?;
    let (scheme, phc) = stored.split_at_checked(place)?;
    Some((scheme.parse().ok()?, phc))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Made by Werkzeug 3.1.9, and those of the method `sha256` by Werkzeug 2.2.3.
    const MADE: [(&str, &str); 11] = [
        (
            "correct horse",
            "pbkdf2:sha256:1000$oOTFW0SIp5L8iIVb$7f6de81ebd3a994c1dbf02c1a9905fa035d18e06bd66a7a8d6527b8706910858",
        ),
        (
            "correct horse",
            "pbkdf2:sha512:1000$7dX7Wo8LqVC0EdoH$0b6a834aa06d98217fbfabfc9d76973fd9be24d931dd0fd7537c7f85a64eac831ea797bf80d6ab236ff5d1eab7aacc1df31806c7cc4d3afb82d0a2bdc488f013",
        ),
        ("correct horse", "pbkdf2:sha1:1000$tx2Ae7aC38un7PVY$10896ba24513559794805ef8bf9f61e1fe15d7f6"),
        (
            "correct horse",
            "scrypt:1024:8:1$lUCSp9Qi5jTKjHB7$c746f0621bd2b984024e868097a10b16605692c82f77d169c19a566424b41536c0131fd34b558a1c185faa50c4dd824ba06238f03251b2b65e293dfd8e1c9e72",
        ),
        (
            "correct horse",
            "scrypt:32768:8:1$yj6sQAFteDJrSh7c$a8621de6ff5171e53e30a2d1fcddca5a0d877b0b34b8189d73bc943b5bbb36cceaaa1eab3fd670be07f1c63c8721240ab8b2aeac796f73bc0ba3e6da5f51fd4a",
        ),
        (
            "correct horse",
            "sha256$llk9LlihPJoAKkPc$fb33bf6df8e29867fa266c444221da7772b8c7bbd8d0ce79d279941d20e79c75",
        ),
        ("correct horse", "sha256$Z$56e1e14c3db1991ed7ed90abf1b25fb106c394d1da3ac852c9a73b252a3beba1"),
        (
            "пароль Ж",
            "pbkdf2:sha256:1000$9zDY9IPEBQTskZdP$d29482f433858457c1e56d6dc2a1c811c3df01d3e8fe524be716ce8c8a77d279",
        ),
        (
            "пароль Ж",
            "sha256$mgNiyGQw5B3SMG7f$add7599a0858f00f86371af6a3d64503e477f39567b96f6ab9d255e97cf29fbb",
        ),
        // Not in its normal form.
        (
            "ﬁlm ｐａｓｓ",
            "pbkdf2:sha256:1000$67bJXS0pTTGbB6qY$943873a1fd060b2a2507398cd08b4f38841b9b21244d75fd38f377188680dcaf",
        ),
        (
            "correct horse",
            "pbkdf2:sha256:260000$gOnr13tzJ9LxdkjV$70cba5fe28bf131bf40495d6d76e36ad003e1991d645fcad357185276fa0b83c",
        ),
    ];

    #[test]
    fn hashes_that_werkzeug_made_are_computed_again() {
        for (password, made) in MADE {
            let old: OldHash = made.parse().unwrap();
            assert_eq!(old.scheme.hash(password).as_deref(), Some(&*old.hex), "{made}");
            assert_ne!(old.scheme.hash("another").as_deref(), Some(&*old.hex), "{made}");
            assert_eq!(format!("{}${}", old.scheme, old.hex), made);
        }
    }

    #[test]
    fn other_texts_and_absurd_parameters_are_refused() {
        let digits = "a".repeat(64);
        for (bad, why) in [
            (String::new(), InvalidOldHash::Malformed),
            (format!("plain$${digits}"), InvalidOldHash::Malformed),
            (format!("md5$salt${digits}"), InvalidOldHash::Malformed),
            (format!("sha256$${digits}"), InvalidOldHash::Malformed),
            (format!("sha256$a b${digits}"), InvalidOldHash::Malformed),
            (format!("sha256${}${digits}", "s".repeat(65)), InvalidOldHash::Malformed),
            ("sha256$salt$abcd".to_owned(), InvalidOldHash::Malformed),
            (format!("sha256$salt$x{}", &digits[1..]), InvalidOldHash::Malformed),
            (format!("pbkdf2:sha256$salt${digits}"), InvalidOldHash::Malformed),
            (format!("pbkdf2:sha256:0$salt${digits}"), InvalidOldHash::Malformed),
            (format!("pbkdf2:sha256:+1$salt${digits}"), InvalidOldHash::Malformed),
            (format!("pbkdf2:md5:1000$salt${digits}"), InvalidOldHash::Malformed),
            (format!("pbkdf2:sha256:2000001$salt${digits}"), InvalidOldHash::OutOfRange),
            (format!("pbkdf2:sha256:99999999999$salt${digits}"), InvalidOldHash::OutOfRange),
            (format!("scrypt:32767:8:1$salt${digits}{digits}"), InvalidOldHash::OutOfRange),
            (format!("scrypt:1:8:1$salt${digits}{digits}"), InvalidOldHash::OutOfRange),
            (format!("scrypt:131072:8:1$salt${digits}{digits}"), InvalidOldHash::OutOfRange),
            (format!("scrypt:32768:8:64$salt${digits}{digits}"), InvalidOldHash::OutOfRange),
            (
                format!("scrypt:2147483648:4294967295:4294967295$salt${digits}{digits}"),
                InvalidOldHash::OutOfRange,
            ),
            (format!("scrypt:32768:8$salt${digits}{digits}"), InvalidOldHash::Malformed),
        ] {
            assert_eq!(bad.parse::<OldHash>(), Err(why), "{bad}");
        }
    }

    #[test]
    fn a_wrapped_hash_is_told_from_others() {
        let (scheme, phc) = unwrap("sha256$salt$argon2id$v=19$m=64,t=2,p=1$c2FsdA$aGFzaA").unwrap();
        assert_eq!(
            (scheme.to_string().as_str(), phc),
            ("sha256$salt", "$argon2id$v=19$m=64,t=2,p=1$c2FsdA$aGFzaA")
        );
        for other in ["$argon2id$v=19$m=64,t=2,p=1$c2FsdA$aGFzaA", "", "md5$salt$argon2id$v=19", "$argon2id$"]
        {
            assert!(unwrap(other).is_none(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused_without_panic(
            text in "\\PC{0,80}|(sha256|scrypt|pbkdf2|sha1|:|\\$|[0-9]{1,10}|[a-f]){0,20}"
        ) {
            if let Ok(old) = text.parse::<OldHash>() {
                let written = format!("{}${}", old.scheme, old.hex);
                prop_assert!(written.eq_ignore_ascii_case(&text));
            }
            let _any = unwrap(&text);
        }
    }
}
