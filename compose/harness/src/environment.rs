//! The few environment variables that the harness and the launcher read.

use crate::Error;

/// The value of `name`; `None` when it is not set, empty or not UTF-8.
pub fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this crate has no configuration; see the callers")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The URL of the PostgreSQL server that tests share; each test has its own database there.
///
/// # Errors
///
/// When `TEST_DATABASE_URL` is not set.
pub fn test_database_url() -> Result<String, Error> {
    variable("TEST_DATABASE_URL").ok_or(Error::NotSet("TEST_DATABASE_URL"))
}
