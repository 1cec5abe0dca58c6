//! Where a user wants to go after the sign-in: a page of the same site, or for viewers one of `ADMIN_OAUTH_RETURN_TO`, each
//! with any query. No other address: a link to our sign-in must not end at another site.

use url::Url;

use super::site::PageSite;
use crate::context::Context;
use crate::provider_sign_in::{MAX_RETURN_TO, may_return_to};

/// The name of the field and of the parameter.
pub(super) const FIELD: &str = "return_to";

/// An address that a viewer may be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NextPage {
    address: String,
    kind: NextKind,
}

/// Whose page it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NextKind {
    /// One of the site.
    Site,
    /// Another one of the own origin.
    OwnOrigin,
    OtherOrigin,
}

impl NextPage {
    /// The page that was asked for, or else the first one of the site.
    pub(super) fn of(site: PageSite, context: &Context, asked: &str) -> Self {
        let first = || Self { address: site.root().to_owned(), kind: NextKind::Site };
        Self::parse(site, context, asked).unwrap_or_else(first)
    }

    fn parse(site: PageSite, context: &Context, asked: &str) -> Option<Self> {
        // Whatever the own address is, only the path of an own page counts.
        let unknown = || Url::parse("https://own.invalid/").ok();
        let own = site.own_address(context).cloned().or_else(unknown)?;
        let url = own.join(asked).ok()?;
        let is_own = url.origin() == own.origin();
        if is_own && url.path().starts_with(site.root()) {
            let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
            let address = format!("{}{query}", url.path());
            return Some(Self { address, kind: NextKind::Site });
        }
        let kind = if is_own { NextKind::OwnOrigin } else { NextKind::OtherOrigin };
        let may_be_left_for = !site.is_console() && may_return_to(context, &url);
        may_be_left_for.then(|| Self { address: url.into(), kind })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.address
    }

    /// As the query of a page that leads to it in the end.
    pub(super) fn as_query(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).append_pair(FIELD, &self.address).finish()
    }

    /// Whether it is a page of the site.
    pub(super) fn is_of_site(&self) -> bool {
        self.kind == NextKind::Site
    }

    /// Whether a form may lead to it by a redirect: the policy of the pages lets forms lead to the own origin alone.
    pub(super) fn may_follow_a_form(&self) -> bool {
        self.kind != NextKind::OtherOrigin
    }

    /// The page to which a browser comes back from a provider, and goes on to this one. An address that is too long for that
    /// is left out: then the sign-in ends at the account.
    pub(super) fn after_provider(&self, context: &Context) -> Option<Url> {
        let bare = context.return_page.clone()?;
        let mut page = bare.clone();
        page.query_pairs_mut().append_pair(FIELD, &self.address);
        Some(if page.as_str().len() <= MAX_RETURN_TO { page } else { bare })
    }
}
