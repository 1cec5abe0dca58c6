//! The faults that a provider can have.

use serde::{Deserialize, Serialize};

/// A fault of a provider, until it is cleared. A provider has at most one.
///
/// In JSON it is `{"kind": "token_timeout"}` and so on: the name in snake case. A fault about something that a provider
/// does not have (a key, a device) has no effect there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The token endpoint accepts the request and never responds.
    TokenTimeout,
    /// The user endpoint accepts the request and never responds.
    UserTimeout,
    /// The token endpoint responds with 500 and a page.
    #[serde(rename = "token_500")]
    Token500,
    /// The user endpoint responds with 500 and a page.
    #[serde(rename = "user_500")]
    User500,
    /// The token endpoint responds with 200 and the provider's error object.
    #[serde(rename = "error_in_200")]
    ErrorIn200,
    /// The user endpoint responds with 200 and an error object.
    #[serde(rename = "user_error_in_200")]
    UserErrorIn200,
    /// The token endpoint responds with 200 and a body that is not JSON.
    TokenGarbage,
    /// The user endpoint responds with 200 and a body that is not JSON.
    UserGarbage,
    /// The token endpoint sends a valid response after 1 MiB of spaces, without `Content-Length`.
    TokenTooLarge,
    /// The user endpoint sends a valid response after 1 MiB of spaces, without `Content-Length`.
    UserTooLarge,
    /// The token endpoint redirects (302) to a path that counts its requests.
    TokenRedirect,
    /// The user endpoint redirects (302) to a path that counts its requests.
    UserRedirect,
    /// The user info contains another client (Yandex, Mail.ru).
    WrongClientEcho,
    /// The token response contains another state (VK).
    WrongStateEcho,
    /// The callback contains another state.
    WrongStateCallback,
    /// The ID token contains another issuer (Google).
    WrongIssuer,
    /// The ID token has another audience (Google).
    WrongAudience,
    /// The ID token contains another nonce (Google).
    WrongNonce,
    /// The ID token expired an hour ago (Google).
    ExpiredIdToken,
    /// The signature of the ID token is invalid (Google).
    BadSignature,
    /// The ID token names a key that is not in the key set (Google).
    UnknownKey,
    /// The ID token has `"alg": "none"` and no signature (Google).
    AlgNone,
    /// The ID token is signed with HS256 and the public key in PEM as the secret (Google).
    Hs256WithPublicKey,
    /// The callback contains another issuer (Google).
    WrongCallbackIssuer,
    /// The callback lacks `device_id` (VK).
    DropDeviceId,
    /// The user info and Google's ID token have no subject.
    NoSubject,
    /// The list of e-mail addresses is 404 (GitHub).
    #[serde(rename = "emails_404")]
    Emails404,
    /// The list of e-mail addresses is 403 (GitHub).
    #[serde(rename = "emails_403")]
    Emails403,
    /// The list of e-mail addresses is 403 with `Retry-After`, because of too many requests (GitHub).
    EmailsRetryAfter,
    /// The list of e-mail addresses is 403 with `X-RateLimit-Remaining: 0`, because of too many requests (GitHub).
    EmailsRateLimit,
    /// The list of e-mail addresses is 403, and only the text says that there were too many requests (GitHub).
    EmailsSecondaryLimit,
    /// The code has 8192 characters, of every kind that the standard allows. Not a fault, but rare.
    LongCode,
    /// The ID token has 56 KiB: it names all groups of the user (Google, Microsoft). Not a fault, but rare.
    LargeIdToken,
    /// The ID token names a tenant that is not the one of its issuer (Microsoft).
    WrongTenant,
    /// The key of ID tokens belongs to another issuer (Microsoft).
    WrongKeyIssuer,
    /// Responses to servers are delayed by 2 seconds.
    Slow,
    /// The token endpoint closes the connection without a response.
    Close,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_with_numbers_read_as_documented() {
        for (name, fault) in [
            ("token_500", Fault::Token500),
            ("error_in_200", Fault::ErrorIn200),
            ("emails_404", Fault::Emails404),
            ("emails_403", Fault::Emails403),
            ("hs256_with_public_key", Fault::Hs256WithPublicKey),
            ("wrong_state_callback", Fault::WrongStateCallback),
        ] {
            assert_eq!(serde_json::to_value(fault).unwrap(), name);
        }
    }
}
