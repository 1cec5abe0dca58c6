//! Any OpenID provider: endpoints from its discovery document, the user from its ID token.

use crate::providers::descriptor::{Descriptor, when_verified};

pub(super) const OPENID: Descriptor = Descriptor {
    id: "openid",
    name: "OpenID",
    scopes: "openid email profile",
    vouches: when_verified,
    ..Descriptor::REGULAR
};
