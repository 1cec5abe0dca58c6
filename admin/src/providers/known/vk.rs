//! VK ID: no client secret, a device in every exchange, the state repeated, and the user info by POST.
//!
//! Its `verified` is about the account, not the address. Its ID token has no published keys.

use crate::providers::descriptor::{ClientAuth, Descriptor, Fields, UserRequest};

pub(super) const VK: Descriptor = Descriptor {
    id: "vk",
    name: "VK ID",
    authorize_url: "https://id.vk.com/authorize",
    token_url: "https://id.vk.com/oauth2/auth",
    user_url: "https://id.vk.com/oauth2/user_info",
    scopes: "email",
    client_auth: ClientAuth::Public,
    user_request: UserRequest::Form,
    fields: Fields {
        subject: "/user/user_id",
        email: "/user/email",
        names: &[&["/user/first_name", "/user/last_name"]],
        client: "",
    },
    needs_device: true,
    repeats_state: true,
    ..Descriptor::REGULAR
};
