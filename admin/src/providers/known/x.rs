//! X: Basic authentication, an envelope around the user, and confirmed addresses only.

use crate::providers::descriptor::{ClientAuth, Descriptor, Fields, always};

pub(super) const X: Descriptor = Descriptor {
    id: "x",
    name: "X",
    authorize_url: "https://x.com/i/oauth2/authorize",
    token_url: "https://api.x.com/2/oauth2/token",
    user_url: "https://api.x.com/2/users/me?user.fields=confirmed_email",
    scopes: "users.read tweet.read users.email",
    client_auth: ClientAuth::Basic,
    fields: Fields {
        subject: "/data/id",
        email: "/data/confirmed_email",
        names: &[&["/data/name"], &["/data/username"]],
        client: "",
    },
    vouches: always,
    ..Descriptor::REGULAR
};
