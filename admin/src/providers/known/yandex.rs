//! Yandex ID: its own scheme of `Authorization`, and our client identifier repeated.

use serde_json::Value;

use crate::providers::descriptor::{Descriptor, Fields, UserRequest};
use crate::providers::mail_domains::MailDomains;

/// yandex.com/support/domain, "Mailbox aliases": the addresses of one login in these domains are one mailbox.
const MAIL: MailDomains = MailDomains {
    domains: &["yandex.ru", "ya.ru", "yandex.by", "yandex.kz", "yandex.com", "narod.ru"],
    is_one_mailbox: true,
};

pub(super) const YANDEX: Descriptor = Descriptor {
    id: "yandex",
    name: "Яндекс",
    authorize_url: "https://oauth.yandex.ru/authorize",
    token_url: "https://oauth.yandex.ru/token",
    user_url: "https://login.yandex.ru/info?format=json",
    scopes: "login:email login:info",
    user_request: UserRequest::OAuth,
    fields: Fields {
        subject: "/id",
        email: "/default_email",
        names: &[&["/real_name"], &["/display_name"], &["/first_name", "/last_name"]],
        client: "/client_id",
    },
    vouches: is_its_own,
    mail: MAIL,
    ..Descriptor::REGULAR
};

/// Yandex does not tell whether it verified an address of another domain.
fn is_its_own(_user: &Value, email: &str) -> bool {
    MAIL.include(email)
}
