//! The limits of this deployment: those of [`Bucket::usual_limit`], except for the ones that `ADMIN_LIMITS` names.

use super::bucket::Bucket;
use super::network::Network;

/// The limit of every bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BucketLimits {
    /// Those that are not the usual ones.
    changed: Vec<(Bucket, u32)>,
}

impl BucketLimits {
    /// Parses a list such as `identifier=20,registrations=1000`.
    ///
    /// # Errors
    ///
    /// When an entry names no bucket, or one a second time, or has a number that is not between 1 and the bucket's
    /// highest limit.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut changed = Vec::new();
        for entry in text.split(',').map(str::trim) {
            let (name, number) = entry.split_once('=').ok_or_else(|| {
                "must be a comma-separated list of buckets with their limits, such as identifier=20"
                    .to_owned()
            })?;
            let (name, number) = (name.trim(), number.trim());
            let bucket = Bucket::ALL.into_iter().find(|bucket| bucket.name() == name);
            let Some(bucket) = bucket else {
                let names = Bucket::ALL.map(Bucket::name).join(", ");
                return Err(format!("names a bucket that does not exist; the buckets are {names}"));
            };
            if changed.iter().any(|(other, _)| *other == bucket) {
                return Err(format!("names the bucket {name} twice"));
            }
            let highest = bucket.highest_limit();
            let limit = number.parse().ok().filter(|limit| (1..=highest).contains(limit));
            let limit = limit
                .ok_or_else(|| format!("must have a limit between 1 and {highest} for the bucket {name}"))?;
            changed.push((bucket, limit));
        }
        Ok(Self { changed })
    }

    /// How many are allowed in a window.
    pub fn of(&self, bucket: Bucket) -> u32 {
        let changed = self.changed.iter().find(|(other, _)| *other == bucket);
        changed.map_or(bucket.usual_limit(), |(_, limit)| *limit)
    }

    /// The same for a network: higher where many people share it.
    pub fn of_network(&self, bucket: Bucket, network: Network, is_shared: bool) -> u32 {
        let wide = if network.is_wide() { bucket.wide_factor() } else { 1 };
        let shared = if is_shared { SHARED } else { 1 };
        self.of(bucket).saturating_mul(wide * shared).min(bucket.highest_limit())
    }
}

/// By how much the limits of an address of `ADMIN_SHARED_NETWORKS` are higher.
const SHARED: u32 = 10;

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_limit_exceeds_its_counter() {
        let networks = ["198.51.100.7", "2001:db8::1"].map(|text| text.parse::<IpAddr>().unwrap());
        for bucket in Bucket::ALL {
            let overflow = if bucket.table().width() == 1 { 255 } else { 65_535 };
            assert!(
                bucket.usual_limit() >= 1 && bucket.usual_limit() <= bucket.highest_limit(),
                "{bucket:?}"
            );
            assert!(bucket.highest_limit() < overflow, "{bucket:?}");
            let highest = BucketLimits { changed: vec![(bucket, bucket.highest_limit())] };
            for network in networks.into_iter().flat_map(Network::counted) {
                assert!(highest.of_network(bucket, network, true) < overflow, "{bucket:?}");
            }
        }
    }

    #[test]
    fn wide_and_shared_networks_have_higher_limits() {
        let limits = |text: &str, is_shared| {
            let networks = Network::counted(text.parse().unwrap()).into_iter();
            let of =
                |network| BucketLimits::default().of_network(Bucket::AddressFailures, network, is_shared);
            networks.map(of).collect::<Vec<_>>()
        };
        assert_eq!(limits("198.51.100.7", false), [600]);
        assert_eq!(limits("198.51.100.7", true), [6_000]);
        assert_eq!(limits("2001:db8::1", false), [600, 2_400, 2_400]);
        let site = Network::site("2001:db8::1".parse().unwrap());
        let most = BucketLimits::default().of_network(Bucket::AddressAttempts, site, true);
        assert_eq!(most, Bucket::AddressAttempts.highest_limit());
    }

    #[test]
    fn named_limits_replace_the_usual_ones() {
        let limits = BucketLimits::parse("identifier=20, registrations = 1000").unwrap();
        let of = [Bucket::Identifier, Bucket::Registrations, Bucket::Device].map(|bucket| limits.of(bucket));
        assert_eq!(of, [20, 1000, 10]);
    }

    #[test]
    fn a_malformed_list_is_refused_with_the_reason() {
        let why = |text: &str| BucketLimits::parse(text).unwrap_err();
        assert!(why("identifiers=20").contains("the buckets are device, device_day"));
        assert!(why("identifier=20,identifier=30").contains("twice"));
        for text in ["identifier=0", "identifier=251", "identifier=-1", "identifier=many", "identifier="] {
            assert!(why(text).contains("between 1 and 250"), "{text}");
        }
        // A code of six digits is not safe against more guesses.
        assert!(why("code_flow=6").contains("between 1 and 5"));
        for text in ["", ",", "identifier", "identifier=10,"] {
            assert!(why(text).contains("comma-separated"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_causes_a_panic_and_every_limit_fits(text in "[a-z_=, 0-9]{0,60}|\\PC{0,20}") {
            if let Ok(limits) = BucketLimits::parse(&text) {
                for bucket in Bucket::ALL {
                    prop_assert!((1..=bucket.highest_limit()).contains(&limits.of(bucket)));
                }
            }
        }
    }
}
