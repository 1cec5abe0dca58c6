//! Any OpenID provider: it says itself where everything is, and its ID token says who somebody is.

use crate::providers::descriptor::{Descriptor, when_verified};

pub(super) const OPENID: Descriptor = Descriptor {
    id: "openid",
    name: "OpenID",
    scopes: "openid email profile",
    vouches: when_verified,
    ..Descriptor::REGULAR
};
