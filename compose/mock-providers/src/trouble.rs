//! What can be made to go wrong at a provider.

use serde::{Deserialize, Serialize};

/// A fault that a provider shows until it is cleared; a provider has at most one.
///
/// In JSON it is `{"kind": "token_timeout"}` and so on: the name in snake case. A fault that speaks of something
/// a provider does not have (a key, a device) changes nothing there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The token endpoint takes the request and never answers.
    TokenTimeout,
    /// The user endpoint takes the request and never answers.
    UserTimeout,
    /// The token endpoint answers 500 with a page.
    #[serde(rename = "token_500")]
    Token500,
    /// The user endpoint answers 500 with a page.
    #[serde(rename = "user_500")]
    User500,
    /// The token endpoint answers 200 with the provider's error object.
    #[serde(rename = "error_in_200")]
    ErrorIn200,
    /// The user endpoint answers 200 with an error object.
    #[serde(rename = "user_error_in_200")]
    UserErrorIn200,
    /// The token endpoint answers 200 with what is not JSON.
    TokenGarbage,
    /// The user endpoint answers 200 with what is not JSON.
    UserGarbage,
    /// The token endpoint sends a right answer after 1 MiB of spaces, and does not announce the length.
    TokenTooLarge,
    /// The user endpoint sends a right answer after 1 MiB of spaces, and does not announce the length.
    UserTooLarge,
    /// The token endpoint redirects (302) to a path that counts who followed.
    TokenRedirect,
    /// The user endpoint redirects (302) to a path that counts who followed.
    UserRedirect,
    /// The user data name another client (Yandex, Mail.ru).
    WrongClientEcho,
    /// The token response repeats another state (VK).
    WrongStateEcho,
    /// The callback carries another state.
    WrongStateCallback,
    /// The ID token names another issuer (Google).
    WrongIssuer,
    /// The ID token is for another client (Google).
    WrongAudience,
    /// The ID token carries another nonce (Google).
    WrongNonce,
    /// The ID token ended an hour ago (Google).
    ExpiredIdToken,
    /// The signature of the ID token does not fit (Google).
    BadSignature,
    /// The ID token names a key that the key set does not have (Google).
    UnknownKey,
    /// The ID token says `"alg": "none"` and has no signature (Google).
    AlgNone,
    /// The ID token is an HMAC whose secret is the public key in PEM (Google).
    Hs256WithPublicKey,
    /// The callback names another issuer (Google).
    WrongCallbackIssuer,
    /// The callback lacks `device_id` (VK).
    DropDeviceId,
    /// The user data, and Google's ID token, lack the identifier.
    NoSubject,
    /// The list of e-mail addresses is not found (GitHub).
    #[serde(rename = "emails_404")]
    Emails404,
    /// Whatever the client's server asks is answered after 2 seconds.
    Slow,
    /// The token endpoint closes the connection without an answer.
    Close,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_with_numbers_read_as_documented() {
        for (name, trouble) in [
            ("token_500", Trouble::Token500),
            ("error_in_200", Trouble::ErrorIn200),
            ("emails_404", Trouble::Emails404),
            ("hs256_with_public_key", Trouble::Hs256WithPublicKey),
            ("wrong_state_callback", Trouble::WrongStateCallback),
        ] {
            assert_eq!(serde_json::to_value(trouble).unwrap(), name);
        }
    }
}
