//! The epoch that a leading relay leaves to the next one when it stops as planned.

mod store;

pub(super) use store::{Handover, leave, take};
