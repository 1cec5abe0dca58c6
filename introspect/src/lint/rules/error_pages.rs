//! What an `error_page` says; several rules ask.

use crate::lint::Position;
use crate::lint::place::Place;
use crate::lint::site::Server;
use crate::lint::tree::Directive;

/// `error_page 500 502 =200 /page`.
pub(super) struct Page<'c> {
    pub(super) at: Position,
    pub(super) codes: Vec<&'c str>,
    /// What the status becomes: after `=`; none without one.
    status: Option<&'c str>,
    /// The page itself.
    pub(super) to: &'c str,
}

impl<'c> Page<'c> {
    pub(super) fn parse(directive: &'c Directive) -> Self {
        let (to, words) =
            directive.args.split_last().map_or(("", [].as_slice()), |(to, words)| (to.as_str(), words));
        let status = words.iter().find_map(|word| word.strip_prefix('='));
        let codes = words.iter().map(String::as_str).filter(|word| !word.starts_with('=')).collect();
        Self { at: directive.at, codes, status, to }
    }

    /// Whether it makes the status a success.
    pub(super) fn is_success(&self) -> bool {
        self.status.is_some_and(|status| status.starts_with('2'))
    }

    /// Whether the status becomes what the page's own is.
    pub(super) fn is_status_of_page(&self) -> bool {
        self.status == Some("")
    }

    /// The location of the page, when it is one of the server.
    pub(super) fn location<'s>(&self, server: &'s Server<'c>) -> Option<&'s Place<'c>> {
        server.find(self.to)
    }

    /// Whether the page is one that refuses, or sends elsewhere, which is a refusal to `auth_request`.
    pub(super) fn refuses_in(&self, server: &Server<'c>) -> bool {
        self.to.contains("://")
            || self.location(server).and_then(Place::answer).is_some_and(|status| status >= 300)
    }
}
