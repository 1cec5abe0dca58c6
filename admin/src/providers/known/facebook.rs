//! Facebook: scopes with commas, and a proof that the sender of the token has our client secret.

use crate::providers::descriptor::{Descriptor, Fields};

pub(super) const FACEBOOK: Descriptor = Descriptor {
    id: "facebook",
    name: "Facebook",
    authorize_url: "https://www.facebook.com/v24.0/dialog/oauth",
    token_url: "https://graph.facebook.com/v24.0/oauth/access_token",
    user_url: "https://graph.facebook.com/me?fields=id,name,email",
    scopes: "email,public_profile",
    fields: Fields { subject: "/id", email: "/email", names: &[&["/name"]], client: "" },
    proves_secret: true,
    ..Descriptor::REGULAR
};
