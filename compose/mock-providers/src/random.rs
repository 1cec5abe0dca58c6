//! Unguessable texts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// 256 random bits in base64url, 43 characters: a code, a token, the name of a request.
pub(crate) fn word() -> String {
    let mut bytes = [0; 32];
    #[expect(clippy::disallowed_methods, reason = "a mock server whose texts no test predicts")]
    aws_lc_rs::rand::fill(&mut bytes)
        .expect("AWS-LC aborts the process if the operating system has no random source");
    URL_SAFE_NO_PAD.encode(bytes)
}
