//! The paths of this service's API that are sent to clients and providers.

/// With `{provider}` in the place of a provider's name. The router has the only values.
#[derive(Debug, Clone, Copy)]
pub struct ProviderPaths {
    /// The list of providers.
    pub list: &'static str,
    /// Where a browser starts to sign in.
    pub login: &'static str,
    /// Where a provider sends the browser back to.
    pub callback: &'static str,
    /// The page of this service to which a browser returns in the end, if the client names no other one.
    pub return_page: &'static str,
}

impl ProviderPaths {
    /// Where a browser starts to sign in through `provider`.
    pub(crate) fn login_of(&self, provider: &str) -> String {
        path_of(self.login, provider)
    }

    /// Where `provider` sends the browser back to.
    pub(super) fn callback_of(&self, provider: &str) -> String {
        path_of(self.callback, provider)
    }
}

fn path_of(template: &str, provider: &str) -> String {
    template.replace("{provider}", provider)
}
