//! The text on the processing of personal data to which new users consent.

/// Its version: safe in a page and a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentVersion(String);

impl ConsentVersion {
    /// A version as it is configured.
    ///
    /// # Errors
    ///
    /// What it must be.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        match (1..=64).contains(&text.len()) && text.bytes().all(fits) {
            true => Ok(Self(text.to_owned())),
            false => Err("must be 1 to 64 characters of A-Z, a-z, 0-9, `.`, `_` and `-`"),
        }
    }

    /// As it is sent and stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_safe_in_a_page() {
        assert_eq!(ConsentVersion::parse("2026-12.v1").unwrap().as_str(), "2026-12.v1");
        for bad in ["", "a b", "a\"b", "<b>", "ä", &"a".repeat(65)] {
            assert!(ConsentVersion::parse(bad).is_err(), "{bad}");
        }
    }
}
