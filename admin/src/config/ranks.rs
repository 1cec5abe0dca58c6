//! The areas of permissions that rank, besides the permissions of this service itself.

use std::collections::BTreeSet;

use runtime::env::Reader;
use shared::permission::Pattern;

/// Areas whose permissions rank, as patterns such as `billing:*`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RankedAreas(BTreeSet<Pattern>);

impl RankedAreas {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        reader.or("ADMIN_RANKED_AREAS", Self::default(), Self::parse)
    }

    /// From names of areas, separated by commas.
    ///
    /// # Errors
    ///
    /// When one of them is not the name of an area.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let areas = text.split(',').map(|area| format!("{}:*", area.trim()).parse());
        areas.collect::<Result<_, _>>().map(Self).map_err(|_| {
            "must be names of areas such as `billing`, separated by commas: 1 to 32 characters of a-z, 0-9, _ and -, \
             beginning with a letter"
        })
    }

    /// Whether all of `pattern` is in one of them.
    pub fn covers(&self, pattern: &Pattern) -> bool {
        self.0.iter().any(|area| area.covers(pattern))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_area_covers_its_own_permissions() {
        let areas = RankedAreas::parse("billing, content").unwrap();
        for (text, is_covered) in
            [("billing:refund", true), ("content:*", true), ("films:watch", false), ("*", false)]
        {
            assert_eq!(areas.covers(&text.parse().unwrap()), is_covered, "{text}");
        }
        assert!(!RankedAreas::default().covers(&"billing:refund".parse().unwrap()));
        for bad in ["", ",", "billing,", "Billing", "billing:*", "a b", "*"] {
            assert!(RankedAreas::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_panic(text: String) {
            if let Ok(areas) = RankedAreas::parse(&text) {
                prop_assert!(!areas.covers(&Pattern::everything()));
            }
        }
    }
}
