//! Yandex ID: its own scheme of `Authorization`, and our client identifier repeated.

use crate::providers::descriptor::{Descriptor, Fields, UserRequest};

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
    ..Descriptor::REGULAR
};
