//! Where locations that ask fall back on, after the sidecar has allowed the request: what is there is meant to be protected too.

use std::collections::BTreeSet;

use crate::error_page::ErrorPage;
use crate::model::hop::{Hop, HopKind, Node, ServerWalk, Spot};
use crate::model::places::Places;

/// The nodes that a location that asks leads on to with what it has asked.
pub(crate) fn fallbacks(places: &Places<'_>, walk: &ServerWalk<'_>) -> BTreeSet<Node> {
    let is_by = |hop: &&Hop| match hop.kind {
        HopKind::TryFiles | HopKind::Index => true,
        HopKind::ErrorPage => is_after_access(places, hop),
        _ => false,
    };
    // A page that other errors lead to as well, unasked, is not meant to be protected. A response can lead anywhere.
    let is_plain =
        |hop: &&Hop| hop.to.asked.is_none() && matches!(hop.to.spot, Spot::Place(_)) && !is_anywhere(hop);
    let unasked: BTreeSet<Spot> = walk.hops.iter().filter(is_plain).map(|hop| hop.to.spot).collect();
    let is_fallback = |hop: &&Hop| {
        let is_meant = hop.kind != HopKind::ErrorPage || !unasked.contains(&hop.to.spot);
        hop.to.asked.is_some() && places.asks(hop.block) && is_by(hop) && is_meant
    };
    walk.hops.iter().filter(is_fallback).map(|hop| hop.to).collect()
}

fn is_anywhere(hop: &Hop) -> bool {
    matches!(hop.kind, HopKind::AccelRedirect | HopKind::Ssi)
}

/// Whether only content can cause the errors of a page.
fn is_after_access(places: &Places<'_>, hop: &Hop) -> bool {
    let lines = places.effective(hop.block, "error_page").into_iter().map(ErrorPage::parse);
    let of_hop: Vec<_> = lines.filter(|page| page.at == hop.at).flat_map(|page| page.codes).collect();
    !of_hop.is_empty() && of_hop.iter().all(|code| matches!(code, 404 | 412 | 416 | 502 | 504))
}
