//! GitHub: a number as the subject, and the e-mail addresses in a list.

use serde_json::{Value, json};

use crate::providers::descriptor::{Descriptor, Fields, PagedList, is_true, when_verified};

pub(super) const GITHUB: Descriptor = Descriptor {
    id: "github",
    name: "GitHub",
    authorize_url: "https://github.com/login/oauth/authorize",
    token_url: "https://github.com/login/oauth/access_token",
    user_url: "https://api.github.com/user",
    scopes: "read:user user:email",
    fields: Fields { subject: "/id", email: "/email", names: &[&["/name"], &["/login"]], client: "" },
    vouches: when_verified,
    list: Some(PagedList {
        name: "EMAILS",
        url: "https://api.github.com/user/emails",
        merge: primary_address,
    }),
    ..Descriptor::REGULAR
};

/// Uses the primary address of the list, which has a flag `verified`. The address of the profile is only for display.
fn primary_address(user: &mut Value, addresses: &[Value]) {
    let primary = addresses.iter().find(|entry| is_true(entry.get("primary")));
    let email = primary.and_then(|entry| entry.get("email")).cloned().unwrap_or_default();
    let is_verified = is_true(primary.and_then(|entry| entry.get("verified")));
    if let Some(members) = user.as_object_mut() {
        members.insert("email".to_owned(), email);
        members.insert("email_verified".to_owned(), json!(is_verified));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(addresses: &[Value]) -> Value {
        let mut user = json!({ "id": 1, "email": "shown@example.org", "email_verified": true });
        primary_address(&mut user, addresses);
        json!([user["email"], user["email_verified"]])
    }

    #[test]
    fn the_primary_address_counts_and_no_other() {
        let list = [
            json!({ "email": "other@example.org", "primary": false, "verified": true }),
            json!({ "email": "anna@example.org", "primary": true, "verified": false }),
        ];
        assert_eq!(merged(&list), json!(["anna@example.org", false]));
        assert_eq!(merged(&[]), json!([null, false]));
        assert_eq!(merged(&[json!(1), json!(null), json!({ "primary": true })]), json!([null, false]));
    }
}
