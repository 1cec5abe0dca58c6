//! What nobody can guess.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// 43 characters of base64url: a code, a token, the name of a request.
pub(crate) fn word() -> String {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).expect("AWS-LC ends the process where the system has no random source");
    URL_SAFE_NO_PAD.encode(bytes)
}
