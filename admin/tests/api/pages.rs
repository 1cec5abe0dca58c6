//! The pages, and browsers that keep their tokens in cookies.

mod browser_mode;
mod consent;
mod link;
mod next_page;
mod proof;
mod shown_again;
mod sign_in;
pub(crate) mod visitor;

use crate::support::TestApp;

/// The address of the pages.
const OWN: &str = "https://cinema.example";

/// A user.
const NEO: &str = "neo@example.org";

/// A service that knows its own address.
async fn start() -> TestApp {
    TestApp::start_with(&[("ADMIN_PUBLIC_URL", OWN)]).await
}
