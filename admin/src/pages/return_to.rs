//! Where a viewer wants to go after the sign-in: a page of this service, or one of `ADMIN_OAUTH_RETURN_TO`, each with any
//! query. No other address: a link to our sign-in must not end at another site.

use url::Url;

use super::paths;
use crate::context::Context;
use crate::provider_sign_in::may_return_to;

/// The name of the field and of the parameter.
pub(super) const FIELD: &str = "return_to";

/// An address that a viewer may be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NextPage(String);

impl NextPage {
    /// The page that was asked for, or else the first one of the account.
    pub(super) fn of(context: &Context, asked: &str) -> Self {
        Self::parse(context, asked).unwrap_or_else(|| Self(paths::OVERVIEW.to_owned()))
    }

    fn parse(context: &Context, asked: &str) -> Option<Self> {
        // Whatever the own address is, only the path of an own page counts.
        let unknown = || Url::parse("https://own.invalid/").ok();
        let own = context.config.public_url.clone().or_else(unknown)?;
        let url = own.join(asked).ok()?;
        if url.origin() == own.origin() && url.path().starts_with(paths::OVERVIEW) {
            let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
            return Some(Self(format!("{}{query}", url.path())));
        }
        may_return_to(context, &url).then(|| Self(url.into()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
