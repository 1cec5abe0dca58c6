//! What pages ask about an account that has the address which a user proved.

use super::visit::Visit;
use crate::api::{Code, Problem};

/// What to ask about the account that has the address.
pub(super) struct AddressQuestion {
    pub(super) answer: &'static str,
    pub(super) text: &'static str,
    pub(super) hint: &'static str,
}

impl AddressQuestion {
    pub(super) fn of(visit: &Visit, problem: Option<&Problem>) -> Option<Self> {
        let t = visit.texts();
        match problem?.code() {
            Code::AccountUnproven => {
                Some(Self { answer: "new", text: t.unproven_new, hint: t.address_new_hint })
            }
            Code::AccountProven => {
                Some(Self { answer: "move", text: t.address_move, hint: t.address_move_hint })
            }
            _ => None,
        }
    }
}
