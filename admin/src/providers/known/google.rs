//! Google: OpenID Connect, with two spellings of its issuer.

use serde_json::Value;

use crate::providers::descriptor::{Descriptor, IdTokens, when_verified};
use crate::providers::mail_domains::MailDomains;

/// developers.google.com, "Streamlined linking with OAuth and Google Sign-In": Google is authoritative for `@gmail.com`.
/// Gmail Help: in some countries the same mailboxes were given out as `@googlemail.com`.
const MAIL: MailDomains = MailDomains { domains: &["gmail.com", "googlemail.com"], is_one_mailbox: true };

pub(super) const GOOGLE: Descriptor = Descriptor {
    id: "google",
    name: "Google",
    authorize_url: "https://accounts.google.com/o/oauth2/v2/auth",
    token_url: "https://oauth2.googleapis.com/token",
    user_url: "https://openidconnect.googleapis.com/v1/userinfo",
    scopes: "openid email profile",
    vouches: is_under_its_control,
    mail: MAIL,
    id_token: Some(IdTokens {
        issuers: &["https://accounts.google.com", "accounts.google.com"],
        keys_url: "https://www.googleapis.com/oauth2/v3/certs",
    }),
    ..Descriptor::REGULAR
};

/// Google vouches for verified addresses under its control: its own, and those of an organisation that it hosts (`hd`).
/// Any other may have changed hands since Google verified it.
fn is_under_its_control(user: &Value, email: &str) -> bool {
    let is_hosted = user.get("hd").and_then(Value::as_str).is_some_and(|domain| !domain.is_empty());
    when_verified(user, email) && (is_hosted || MAIL.include(email))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn google_vouches_for_addresses_under_its_control() {
        for (user, email, expected) in [
            (json!({ "email_verified": true }), "anna@gmail.com", true),
            (json!({ "email_verified": "true" }), "Anna@GMail.com", true),
            (json!({ "email_verified": true }), "anna@googlemail.com", true),
            (json!({ "email_verified": "true", "hd": "example.org" }), "anna@example.org", true),
            (json!({ "email_verified": true }), "anna@example.org", false),
            (json!({ "email_verified": true }), "anna@gmail.com.example.org", false),
            (json!({ "email_verified": false }), "anna@gmail.com", false),
            (json!({ "email_verified": "false", "hd": "example.org" }), "anna@example.org", false),
            (json!({ "email_verified": 1 }), "anna@gmail.com", false),
            (json!({ "hd": "example.org" }), "anna@example.org", false),
        ] {
            assert_eq!(is_under_its_control(&user, email), expected, "{user} {email}");
        }
    }
}
