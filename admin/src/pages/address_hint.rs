//! What a page says of a likely slip in the address to which a mail is sent.

use super::alert::PageAlert;
use super::texts::fill;
use super::visit::Visit;
use crate::mail_proof::AskedFlow;

/// The hint above the content, if there seems to be a slip.
pub(super) fn hint(visit: &Visit, asked: &AskedFlow) -> Option<PageAlert> {
    let t = visit.texts();
    let text = match &asked.hint()?.suggestion {
        Some(meant) => fill(t.address_hint, meant),
        None => t.address_hint_scripts.to_owned(),
    };
    Some(PageAlert { text, is_error: false })
}
