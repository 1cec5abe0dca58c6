//! Mail.ru: the access token in the query, and our client identifier repeated.

use serde_json::Value;

use crate::providers::descriptor::{Descriptor, Fields, UserRequest};
use crate::providers::mail_domains::MailDomains;

/// The domains that Mail.ru offers to new mailboxes, and `xmail.ru`, which it added for moved ones (VK, press release of
/// 7 August 2023). A local part belongs to different people in them.
const MAIL: MailDomains = MailDomains {
    domains: &["mail.ru", "inbox.ru", "list.ru", "bk.ru", "internet.ru", "xmail.ru"],
    is_one_mailbox: false,
};

pub(super) const MAILRU: Descriptor = Descriptor {
    id: "mailru",
    name: "Mail.ru",
    authorize_url: "https://oauth.mail.ru/login",
    token_url: "https://oauth.mail.ru/token",
    user_url: "https://oauth.mail.ru/userinfo",
    scopes: "userinfo",
    user_request: UserRequest::Query,
    fields: Fields {
        subject: "/id",
        email: "/email",
        names: &[&["/name"], &["/first_name", "/last_name"], &["/nickname"]],
        client: "/client_id",
    },
    vouches: is_its_own,
    mail: MAIL,
    ..Descriptor::REGULAR
};

/// Mail.ru does not tell whether it verified an address of another domain.
fn is_its_own(_user: &Value, email: &str) -> bool {
    MAIL.include(email)
}
