//! What an `error_page` does.

use crate::source::SourcePosition;
use crate::tree::Directive;

/// `error_page 500 502 =200 /page`.
pub(crate) struct ErrorPage<'c> {
    pub(crate) at: SourcePosition,
    pub(crate) codes: Vec<u16>,
    /// The new status: after `=`, 0 for that of the page; none without one.
    status: Option<u16>,
    /// The page itself.
    pub(crate) to: &'c str,
}

impl<'c> ErrorPage<'c> {
    pub(crate) fn parse(directive: &'c Directive) -> Self {
        let (to, words) =
            directive.args.split_last().map_or(("", [].as_slice()), |(to, words)| (to.as_str(), words));
        // nginx reads numbers with zeros before them, and a status that is 0 like none.
        let number = |word: &str| if word.is_empty() { Some(0) } else { word.parse().ok() };
        let status = words.iter().find_map(|word| number(word.strip_prefix('=')?));
        let codes = words.iter().filter_map(|word| word.parse().ok()).collect();
        Self { at: directive.at, codes, status, to }
    }

    /// Whether it makes the status a success.
    pub(crate) fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether the status becomes that of the page.
    pub(crate) fn is_status_of_page(&self) -> bool {
        self.status == Some(0)
    }

    /// Whether nginx continues the request at the page; otherwise it redirects the client.
    pub(crate) fn is_internal(&self) -> bool {
        self.to.starts_with(['/', '@', '$'])
    }
}
