//! The message above the content of a page.

/// A message above the content.
#[derive(Clone)]
pub(super) struct PageAlert {
    pub(super) text: String,
    pub(super) is_error: bool,
}
