//! The paths of the pages that other parts of the service name.

/// The first page of an account.
pub(crate) const OVERVIEW: &str = "/account/";
/// Where a visitor signs in.
pub(crate) const SIGN_IN: &str = "/account/sign-in";
/// The first page of the console.
pub(crate) const CONSOLE: &str = "/console/";
/// Where an operator signs in.
pub(crate) const CONSOLE_SIGN_IN: &str = "/console/sign-in";
/// Where a browser comes back to from an identity provider.
pub(crate) const SIGNED_IN: &str = "/account/signed-in";
/// Where a visitor consents who came from a provider.
pub(crate) const PROVIDER_CONSENT: &str = "/account/sign-in/consent";
/// Where a viewer without a password proves who acts.
pub(crate) const PROOF: &str = "/account/proof";
