//! The buttons of identity providers, by the rules of the providers: their mark and their colours, and the same words for all.

use super::assets::mark_of;
use super::return_to::NextPage;
use super::texts::fill;
use super::visit::Visit;
use crate::providers::Provider;

/// A button.
pub(super) struct ProviderButton {
    pub(super) id: String,
    /// The file with its mark.
    pub(super) mark: &'static str,
    pub(super) text: String,
    /// Where a visitor starts to sign in.
    pub(super) address: String,
}

impl ProviderButton {
    /// A button with these words, where `{}` is the name.
    pub(super) fn of(provider: &Provider, words: &str, query: &str) -> Self {
        Self {
            id: provider.id().to_owned(),
            mark: mark_of(provider.id()),
            text: fill(words, provider.name()),
            address: format!("{}?{query}", provider.login_path()),
        }
    }
}

/// A button for each provider, to sign in and then to go to `next`.
pub(super) fn to_sign_in(visit: &Visit, next: &NextPage) -> Vec<ProviderButton> {
    let context = &visit.request.context;
    let Some(page) = next.after_provider(context) else { return Vec::new() };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("return_to", page.as_str());
    let query = query.finish();
    let words = visit.texts().provider_button;
    context.providers.iter().map(|provider| ProviderButton::of(provider, words, &query)).collect()
}
