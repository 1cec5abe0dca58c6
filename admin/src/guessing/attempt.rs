//! An attempt: which route it takes, what is known about the client, and so the buckets that apply to it.
//!
//! Pure: the same facts lead to the same buckets.

use std::net::IpAddr;

use aws_lc_rs::hmac;
use uuid::Uuid;

use super::device::DeviceAccount;
use super::route::LimitedRoute;
use super::route_buckets::{Acquaintance, buckets};
use crate::limits::{Bucket, BucketLimits, LimitRule, Network};

/// What the limiter needs to know about an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountFacts {
    /// The user, and the epoch of the devices.
    pub devices: DeviceAccount,
    /// The epoch of the counters: with the next one they are all at zero.
    pub counters: u64,
    /// Whether it signed in from the client's network within the last 30 days.
    pub is_known_network: bool,
}

/// An attempt before it is counted.
#[derive(Debug, Clone, Copy)]
pub struct NewAttempt<'a> {
    /// The route.
    pub route: LimitedRoute,
    /// What was typed, in the form that is looked up.
    pub identifier: &'a str,
    /// The session or the flow.
    pub session: &'a [u8],
    /// The account, where there is one.
    pub account: Option<AccountFacts>,
    /// The identifier of the client's device, if that knows the account.
    pub device: Option<[u8; 16]>,
    /// The client's address, where it is known.
    pub address: Option<IpAddr>,
    /// Whether this is one of the addresses that very many people share.
    pub is_shared: bool,
}

/// One counter that an attempt takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// The bucket.
    pub bucket: Bucket,
    /// The slot in its table.
    pub slot: u32,
    /// How many are allowed.
    pub limit: u32,
    /// What happens above that.
    pub rule: LimitRule,
}

/// How attempts are counted.
#[derive(Debug, Clone, Copy)]
pub struct Counting<'c> {
    /// Chooses the slots, so that no client can aim at one.
    pub key: &'c hmac::Key,
    /// How many are allowed.
    pub limits: &'c BucketLimits,
}

impl NewAttempt<'_> {
    /// An attempt of which nothing is known.
    pub(super) const NOTHING: NewAttempt<'static> = NewAttempt {
        route: LimitedRoute::Login,
        identifier: "",
        session: &[],
        account: None,
        device: None,
        address: None,
        is_shared: false,
    };

    /// As what kinds of client it may be counted, the most known one first: each is tried if a bucket of the one before
    /// has no room and the rule of that bucket is [`LimitRule::Downgrade`].
    pub fn acquaintances(&self) -> Vec<Acquaintance> {
        let Some(facts) = self.account else { return vec![Acquaintance::None] };
        let device = self.device.map(|_| Acquaintance::Device);
        let network = facts.is_known_network.then_some(Acquaintance::Network);
        device.into_iter().chain(network).chain([Acquaintance::None]).collect()
    }

    /// The counters that it takes as that of such a client.
    pub fn charges(&self, client: Acquaintance, counting: Counting<'_>) -> Vec<Charge> {
        let buckets = buckets(self.route, client).iter();
        buckets.flat_map(|(bucket, rule)| self.charges_of(*bucket, *rule, counting)).collect()
    }

    /// An address has a counter for each of its networks; a client without an address has none.
    fn charges_of(&self, bucket: Bucket, rule: LimitRule, counting: Counting<'_>) -> Vec<Charge> {
        let Counting { key, limits } = counting;
        if !bucket.is_of_address() {
            let slot = slot(key, bucket, &self.subject(bucket));
            return vec![Charge { bucket, slot, limit: limits.of(bucket), rule }];
        }
        let charge = |network: Network| Charge {
            bucket,
            slot: slot(key, bucket, &network.bytes()),
            limit: limits.of_network(bucket, network, self.is_shared),
            rule,
        };
        let networks = self.address.map(|address| bucket.networks(address)).unwrap_or_default();
        networks.into_iter().map(charge).collect()
    }

    /// What is counted together in a bucket that is not of an address. Every part but the last has a fixed length.
    fn subject(&self, bucket: Bucket) -> Vec<u8> {
        let epoch = self.account.map_or(0, |facts| facts.counters).to_be_bytes();
        let user = self.account.map_or(Uuid::nil(), |facts| facts.devices.user).into_bytes();
        let of_address = |network: fn(IpAddr) -> Network| {
            self.address.map(|address| network(address).bytes()).unwrap_or_default()
        };
        let last = match bucket {
            Bucket::Identifier | Bucket::IdentifierDay => {
                return [&epoch, self.identifier.as_bytes()].concat();
            }
            Bucket::WrongCodes | Bucket::MailHour | Bucket::MailDay | Bucket::MailKnown => {
                return self.identifier.as_bytes().to_vec();
            }
            // Of a flow, which has no identifier, it is the account.
            Bucket::SlowIdentifier => self.identifier.as_bytes().to_vec(),
            Bucket::Device | Bucket::DeviceDay => self.device.unwrap_or_default().to_vec(),
            Bucket::NetworkAddress | Bucket::NetworkAddressDay => of_address(Network::own),
            Bucket::Network => of_address(Network::site),
            Bucket::Session | Bucket::CodeFlow => self.session.to_vec(),
            Bucket::Devices
            | Bucket::Networks
            | Bucket::Account
            | Bucket::AddressFailures
            | Bucket::AddressAttempts
            | Bucket::Registrations
            | Bucket::FlowsAddress
            | Bucket::Resets
            | Bucket::MailCodes
            | Bucket::Flows => Vec::new(),
        };
        [&user[..], &epoch, &last].concat()
    }
}

/// The slot of a subject: of the key, the bucket and the subject alone.
fn slot(key: &hmac::Key, bucket: Bucket, subject: &[u8]) -> u32 {
    let tag = hmac::sign(key, &[bucket.name().as_bytes(), b"\0", subject].concat());
    let number = tag.as_ref().first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    u32::try_from(number % u64::from(bucket.table().slots())).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::limits::CounterTable;

    const DOCUMENT: &str = include_str!("../../../docs/accounts.md");

    fn key() -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &[7; 32])
    }

    fn counting<'c>(key: &'c hmac::Key, limits: &'c BucketLimits) -> Counting<'c> {
        Counting { key, limits }
    }

    fn facts(user: u128) -> AccountFacts {
        let devices = DeviceAccount { user: Uuid::from_u128(user), epoch: 1 };
        AccountFacts { devices, counters: 0, is_known_network: false }
    }

    fn login(identifier: &str) -> NewAttempt<'_> {
        NewAttempt { identifier, address: Some([198, 51, 100, 7].into()), ..NewAttempt::NOTHING }
    }

    /// As that of the most known client that it may be.
    fn charges(attempt: &NewAttempt<'_>) -> Vec<Charge> {
        attempt.charges(attempt.acquaintances()[0], counting(&key(), &BucketLimits::default()))
    }

    fn names(attempt: &NewAttempt<'_>) -> Vec<Bucket> {
        charges(attempt).iter().map(|charge| charge.bucket).collect()
    }

    #[test]
    fn the_documentation_has_every_bucket_with_its_limit() {
        let window = |table: CounterTable| match table {
            CounterTable::Minute => "1 minute",
            CounterTable::Short | CounterTable::Addresses => "10 minutes",
            CounterTable::Hour => "1 hour",
            CounterTable::Day => "1 day",
        };
        let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        let rows = DOCUMENT.lines().filter(|line| line.matches('|').count() == 6).map(cells);
        let documented: Vec<_> = rows
            .filter(|cells| cells[1].starts_with('`'))
            .map(|cells| [1, 2, 4, 5].map(|cell: usize| cells[cell].clone()).to_vec())
            .collect();
        let expected = Bucket::ALL.map(|bucket| {
            let counts = if bucket.counts_failures() { "failures" } else { "attempts" };
            let limit = bucket.usual_limit().to_string();
            vec![format!("`{}`", bucket.name()), counts.to_owned(), limit, window(bucket.table()).to_owned()]
        });
        assert_eq!(documented, expected);
    }

    #[test]
    fn a_stranger_is_counted_by_name_whether_or_not_the_account_exists() {
        let unknown = login("neo@example.org");
        let existing = NewAttempt { account: Some(facts(1)), ..unknown };
        let slots = |attempt: &NewAttempt<'_>| {
            let charges = charges(attempt).into_iter();
            charges
                .filter(|charge| charge.rule == LimitRule::Refuse)
                .map(|charge| charge.slot)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&unknown), names(&existing));
        assert_eq!(slots(&unknown), slots(&existing));
        assert_ne!(slots(&unknown), slots(&login("trinity@example.org")));
    }

    #[test]
    fn what_is_known_leaves_the_buckets_of_strangers() {
        let stranger = NewAttempt { account: Some(facts(1)), ..login("neo") };
        let device = NewAttempt { device: Some([1; 16]), ..stranger };
        let network =
            NewAttempt { account: Some(AccountFacts { is_known_network: true, ..facts(1) }), ..stranger };
        for known in [device, network] {
            assert!(
                !names(&known).contains(&Bucket::Identifier)
                    && !names(&known).contains(&Bucket::SlowIdentifier)
            );
            let charges = charges(&known);
            let of_address = charges.iter().filter(|charge| charge.bucket.is_of_address());
            assert!(
                of_address.clone().count() == 2
                    && of_address.clone().all(|charge| charge.rule == LimitRule::Count)
            );
        }
        // The known network of a device is its second chance, and a stranger's buckets are the last one.
        let both = NewAttempt { device: Some([1; 16]), ..network };
        let (device_first, network_next) = (Acquaintance::Device, Acquaintance::Network);
        assert_eq!(both.acquaintances(), [device_first, network_next, Acquaintance::None]);
        assert_eq!(
            both.charges(Acquaintance::None, counting(&key(), &BucketLimits::default())),
            charges(&stranger)
        );
        // Without an account there is nothing that a device could know.
        assert_eq!(names(&NewAttempt { device: Some([1; 16]), ..login("neo") }), names(&stranger));
    }

    #[test]
    fn the_next_epoch_has_other_counters_for_everything_of_the_account() {
        let known =
            NewAttempt { account: Some(facts(1)), device: Some([1; 16]), session: b"s", ..login("neo") };
        fn unlocked<'a>(attempt: &NewAttempt<'a>) -> NewAttempt<'a> {
            let account = attempt.account.map(|facts| AccountFacts { counters: 1, ..facts });
            NewAttempt { account, ..*attempt }
        }
        for attempt in [
            known,
            NewAttempt { device: None, ..known },
            NewAttempt { route: LimitedRoute::Change, ..known },
            NewAttempt { route: LimitedRoute::Change, device: None, ..known },
        ] {
            let (before, after) = (charges(&attempt), charges(&unlocked(&attempt)));
            for (before, after) in before.iter().zip(&after) {
                assert_eq!(before.slot == after.slot, before.bucket.is_of_address(), "{:?}", before.bucket);
            }
        }
    }

    #[test]
    fn an_address_of_a_known_network_is_counted_apart_and_the_networks_of_an_account_together() {
        let of = |address: [u8; 4]| {
            let facts = AccountFacts { is_known_network: true, ..facts(1) };
            let attempt = NewAttempt { account: Some(facts), address: Some(address.into()), ..login("neo") };
            let slot = |bucket| charges(&attempt).iter().find(|charge| charge.bucket == bucket).unwrap().slot;
            [Bucket::NetworkAddress, Bucket::NetworkAddressDay, Bucket::Network, Bucket::Networks].map(slot)
        };
        let (one, neighbour, elsewhere) = (of([192, 0, 2, 1]), of([192, 0, 2, 2]), of([192, 0, 3, 1]));
        let same = |other: [u32; 4]| std::array::from_fn(|place| one[place] == other[place]);
        assert_eq!(same(neighbour), [false, false, true, true]);
        assert_eq!(same(elsewhere), [false, false, false, true]);
    }

    #[test]
    fn a_client_without_an_address_is_counted_by_what_it_tries() {
        let attempt = NewAttempt { address: None, ..login("neo") };
        assert_eq!(names(&attempt), [Bucket::Identifier, Bucket::IdentifierDay, Bucket::SlowIdentifier]);
        assert_eq!(names(&NewAttempt { route: LimitedRoute::ProviderStart, ..attempt }), []);
    }

    #[test]
    fn a_configured_limit_holds_for_every_route_that_takes_the_bucket() {
        let limits = BucketLimits::parse("identifier=20,address_failures=7").unwrap();
        let attempt = login("neo");
        let charges = attempt.charges(Acquaintance::None, counting(&key(), &limits));
        let limit = |bucket| charges.iter().find(|charge| charge.bucket == bucket).map(|charge| charge.limit);
        let of = [Bucket::Identifier, Bucket::AddressFailures, Bucket::IdentifierDay].map(limit);
        assert_eq!(of, [Some(20), Some(7), Some(100)]);
    }

    proptest! {
        #[test]
        fn every_slot_is_within_its_table(identifier: String, bits: u128, user: u128, is_shared: bool) {
            let address = Some(std::net::Ipv6Addr::from_bits(bits).into());
            let attempt = NewAttempt { address, is_shared, account: Some(facts(user)), ..login(&identifier) };
            for charge in charges(&attempt) {
                prop_assert!(charge.slot < charge.bucket.table().slots() && charge.limit >= charge.bucket.usual_limit());
            }
        }
    }
}
