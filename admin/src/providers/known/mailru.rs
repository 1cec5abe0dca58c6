//! Mail.ru: the access token in the query, and our client identifier repeated.

use crate::providers::descriptor::{Descriptor, Fields, UserRequest};

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
    ..Descriptor::REGULAR
};
