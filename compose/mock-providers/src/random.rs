//! Unguessable texts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A text of `length` characters that begins with a random word and then has every visible character and the space
/// (VSCHAR of RFC 6749), again and again.
pub(crate) fn long_word(length: usize) -> String {
    let all = (' '..='~').cycle();
    word().chars().chain(all).take(length).collect()
}

/// 256 random bits in base64url, 43 characters: a code, a token, the name of a request.
pub(crate) fn word() -> String {
    let mut bytes = [0; 32];
    #[expect(clippy::disallowed_methods, reason = "a mock server whose texts no test predicts")]
    aws_lc_rs::rand::fill(&mut bytes)
        .expect("AWS-LC aborts the process if the operating system has no random source");
    URL_SAFE_NO_PAD.encode(bytes)
}
