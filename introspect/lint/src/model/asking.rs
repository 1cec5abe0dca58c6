//! What a server says about asking: its subrequests, its policies, and the blocks that it means to protect.

use std::collections::BTreeSet;

use crate::headers::POLICY;
use crate::model::places::{PlaceKind, Places};
use crate::model::uri::Uri;
use crate::variables::{bare, only};

impl<'c> Places<'c> {
    /// Whether a block has an `auth_request`, of its own or inherited.
    pub(crate) fn asks(&self, block: usize) -> bool {
        self.get(block).scope.auth_request().is_some()
    }

    /// The locations that answer the subrequests of `auth_request`.
    pub(crate) fn auth_locations(&self) -> BTreeSet<usize> {
        let asked = self.all().filter_map(|(_, place)| place.scope.auth_request());
        let uris: BTreeSet<_> = asked.map(|asked| asked.arg(0)).collect();
        uris.into_iter().flat_map(|uri| self.candidates(&Uri::Whole(uri.to_owned())).to_vec()).collect()
    }

    /// Whether a location asks or has a policy; the one that answers the subrequests may inherit an `auth_request`.
    pub(crate) fn is_meant_to_be_protected(&self, block: usize, auth_locations: &BTreeSet<usize>) -> bool {
        let location = self.location_of(block);
        !auth_locations.contains(&location) && (self.asks(block) || self.own_policy(location).is_some())
    }

    /// The policy that a location demands; none where the sidecar gets none.
    pub(crate) fn policy(&self, block: usize) -> Option<&'c str> {
        let location = self.location_of(block);
        let sent = self.sent_policy(location)?;
        // For the methods of a `limit_except` no `set` of the location runs.
        if only(sent).is_some() && self.get(block).kind == PlaceKind::LimitExcept {
            return None;
        }
        if only(sent).is_some() { self.own_policy(location) } else { Some(sent) }
    }

    /// The text of `set $auth_policy` in the location itself, or of the variable that its subrequest sends.
    fn own_policy(&self, location: usize) -> Option<&'c str> {
        let scope = &self.get(location).scope;
        let sent = self.sent_policy(location).and_then(only).unwrap_or("auth_policy");
        scope.own("set").filter(|set| bare(set.arg(0)) == sent).last().map(|set| set.arg(1))
    }

    /// What the subrequest of a location sends as the policy.
    fn sent_policy(&self, location: usize) -> Option<&'c str> {
        let asked = self.get(location).scope.auth_request()?;
        let found = self.candidates(&Uri::Whole(asked.arg(0).to_owned()));
        self.get(*found.first()?).scope.header(POLICY)
    }
}
