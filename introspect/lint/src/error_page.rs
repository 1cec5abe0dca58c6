//! What an `error_page` does.

use crate::source::SourcePosition;
use crate::tree::Directive;

/// `error_page 500 502 =200 /page`.
pub(crate) struct ErrorPage<'c> {
    pub(crate) at: SourcePosition,
    pub(crate) codes: Vec<&'c str>,
    /// The new status: after `=`; none without one.
    status: Option<&'c str>,
    /// The page itself.
    pub(crate) to: &'c str,
}

impl<'c> ErrorPage<'c> {
    pub(crate) fn parse(directive: &'c Directive) -> Self {
        let (to, words) =
            directive.args.split_last().map_or(("", [].as_slice()), |(to, words)| (to.as_str(), words));
        let status = words.iter().find_map(|word| word.strip_prefix('='));
        let codes = words.iter().map(String::as_str).filter(|word| !word.starts_with('=')).collect();
        Self { at: directive.at, codes, status, to }
    }

    /// Whether it makes the status a success.
    pub(crate) fn is_success(&self) -> bool {
        self.status.is_some_and(|status| status.starts_with('2'))
    }

    /// Whether the status becomes that of the page.
    pub(crate) fn is_status_of_page(&self) -> bool {
        self.status == Some("")
    }

    /// Whether nginx continues the request at the page; otherwise it redirects the client.
    pub(crate) fn is_internal(&self) -> bool {
        self.to.starts_with(['/', '@', '$'])
    }
}
