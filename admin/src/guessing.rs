//! Limits how often passwords can be guessed, so that no stranger locks a user out.
//!
//! docs/accounts.md explains the rules. Here are the parts that know no request: which buckets an attempt takes, the
//! counters, and the device token. `permit` counts the attempts of requests.

mod attempt;
mod counters;
mod device;
mod limiter;
mod local;
mod redis_counters;
mod refusals;
mod route;
mod route_buckets;
mod slowed;
mod window;

use std::net::IpAddr;

use aws_lc_rs::hmac;
use secrecy::SecretString;
use uuid::Uuid;

use crate::actor::DeviceText;
use crate::config::{MasterKeys, SharedNetworks};
use crate::keys::{DerivedKeys, KeyPurpose};
use crate::limits::{Bucket, BucketLimits, LimitRule, Network};
use crate::metrics::LimiterMetrics;
use crate::passwords::{Party, StrangerOrigin};
use crate::random::Random;
use crate::redis_connection::RedisConnection;

pub use attempt::{AccountFacts, Charge, Counting, NewAttempt};
pub use device::{DEVICE_LIFE, DeviceAccount, DeviceMark, DeviceToken};
pub use limiter::{Limiter, RefusedAttempt, Reservation};
pub use refusals::{CountedRefusals, RefusalEntry, RefusalKind, RefusalSubject, Refusals};
pub use route::LimitedRoute;
pub use route_buckets::{Acquaintance, buckets};
pub use slowed::{MANY_FAILURES, SlowedAddresses};

/// The limiter, and what it needs to know who is asking.
pub struct Guessing {
    /// The counters.
    pub limiter: Limiter,
    /// What is written into the login history with a count.
    pub refusals: Refusals,
    /// Which addresses are past their limits.
    pub slowed: SlowedAddresses,
    devices: DerivedKeys,
    counters: DerivedKeys,
    shared: SharedNetworks,
    limits: BucketLimits,
}

impl Guessing {
    /// Counts in the Redis of `redis`.
    pub fn new(
        masters: &MasterKeys,
        (shared, limits): (SharedNetworks, BucketLimits),
        redis: RedisConnection,
        metrics: LimiterMetrics,
    ) -> Self {
        Self {
            limiter: Limiter::new(redis, metrics),
            refusals: Refusals::default(),
            slowed: SlowedAddresses::default(),
            devices: DerivedKeys::derive(masters, KeyPurpose::Devices),
            counters: DerivedKeys::derive(masters, KeyPurpose::Guesses),
            shared,
            limits,
        }
    }

    /// The identifier of the client's device, if it knows the account.
    pub fn known_device(
        &self,
        presented: Option<&DeviceText>,
        account: DeviceAccount,
        now: u64,
    ) -> Option<[u8; 16]> {
        let device = DeviceToken::open(presented?.expose(), &self.devices, now)?;
        device.knows(account, &self.devices).then(|| device.id())
    }

    /// The mark of the device whose valid token this is.
    pub fn device_mark(&self, token: &str, now: u64) -> Option<DeviceMark> {
        DeviceToken::open(token, &self.devices, now).map(|device| device.mark())
    }

    /// The token of the client's device after a sign-in or a refresh of the account; that of a new device if it
    /// presented none that is valid. `None` when the operating system provides no randomness.
    pub fn renew_device(
        &self,
        presented: Option<&DeviceText>,
        account: DeviceAccount,
        random: &dyn Random,
        now: u64,
    ) -> Option<SecretString> {
        let known = presented.and_then(|text| DeviceToken::open(text.expose(), &self.devices, now));
        let device = known.map_or_else(|| DeviceToken::new(random).ok(), Some)?;
        device.renewed(account, &self.devices, now).seal(&self.devices)
    }

    /// Whether very many people share the address.
    pub fn is_shared(&self, address: Option<IpAddr>) -> bool {
        address.is_some_and(|address| self.shared.contains(address))
    }

    /// Counts an attempt at the second `now`: as that of the most known client that has room. A client whose own bucket
    /// has no room is refused.
    ///
    /// # Errors
    ///
    /// The bucket that has no room, and for how long: after that time there is room in it, or in those of a less known
    /// client.
    pub async fn reserve(&self, attempt: &NewAttempt<'_>, now: u64) -> Result<Reservation, RefusedAttempt> {
        let mut earliest: Option<RefusedAttempt> = None;
        for client in attempt.acquaintances() {
            let charges = attempt.charges(client, self.counting());
            let refused = match self.limiter.reserve(client, &charges, now).await {
                Ok(reservation) => return Ok(reservation),
                Err(refused) => refused,
            };
            earliest = earliest.filter(|earlier| earlier.wait <= refused.wait).or(Some(refused));
            if !refused.may_downgrade {
                break;
            }
        }
        Err(earliest.expect("every attempt is counted as that of a stranger if as nothing better"))
    }

    /// Takes a request for a new password back that led to one, from the address at which it ended.
    pub async fn return_reset(&self, address: Option<IpAddr>, now: u64) {
        self.take_back(LimitedRoute::Forgot, Bucket::Resets, address, now).await;
    }

    /// The same for a registration that led to an account.
    pub async fn return_registration(&self, address: Option<IpAddr>, now: u64) {
        self.take_back(LimitedRoute::Registration, Bucket::Registrations, address, now).await;
    }

    async fn take_back(&self, route: LimitedRoute, bucket: Bucket, address: Option<IpAddr>, now: u64) {
        let asked = NewAttempt { route, address, ..NewAttempt::NOTHING };
        let mut charges = asked.charges(Acquaintance::None, self.counting());
        charges.retain(|charge| charge.bucket == bucket);
        self.limiter.take_back(&charges, now).await;
    }

    /// Whether codes of this address are guessed, so that its next ones must be long.
    pub async fn is_code_guessed(&self, identifier: &str, now: u64) -> bool {
        let asked = NewAttempt { route: LimitedRoute::Code, identifier, ..NewAttempt::NOTHING };
        self.is_full(&asked, Bucket::WrongCodes, now).await
    }

    /// Whether a flow had as many wrong codes as it may have.
    pub async fn is_flow_over(&self, flow: &str, now: u64) -> bool {
        let session = flow.as_bytes();
        let asked = NewAttempt { route: LimitedRoute::Code, session, ..NewAttempt::NOTHING };
        self.is_full(&asked, Bucket::CodeFlow, now).await
    }

    async fn is_full(&self, asked: &NewAttempt<'_>, bucket: Bucket, now: u64) -> bool {
        let mut charges = asked.charges(Acquaintance::None, self.counting());
        charges.retain(|charge| charge.bucket == bucket);
        charges.iter_mut().for_each(|charge| charge.rule = LimitRule::Refuse);
        match self.limiter.reserve(Acquaintance::None, &charges, now).await {
            Ok(reservation) => {
                self.limiter.give_back(reservation, |_| true).await;
                false
            }
            Err(_full) => true,
        }
    }

    /// The client of a counted attempt in the hash queue. Its numbers reveal no name and no address.
    pub fn party(&self, attempt: &NewAttempt<'_>, reservation: &Reservation) -> Party {
        let number = |what: &str, subject: &[u8]| {
            let tag = hmac::sign(self.key(), &[what.as_bytes(), b"\0", subject].concat());
            tag.as_ref().first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes))
        };
        let is_known = reservation.client != Acquaintance::None || attempt.route == LimitedRoute::Change;
        if let Some(facts) = attempt.account.filter(|_| is_known) {
            return Party::Known { account: number("account", facts.devices.user.as_bytes()) };
        }
        let of = |what, network: fn(IpAddr) -> Network| {
            attempt.address.map_or(0, |address| number(what, &network(address).bytes()))
        };
        let (network, address) = (of("site", Network::site), of("own", Network::own));
        let identifier = number("identifier", attempt.identifier.as_bytes());
        let origin = StrangerOrigin { network, address, identifier };
        if reservation.is_slow { Party::Slow(origin) } else { Party::Stranger(origin) }
    }

    /// The identifier of an entry in the login history: every service writes the same one.
    pub fn history_id(&self, entry: RefusalEntry) -> Uuid {
        let tag = hmac::sign(self.key(), format!("history\0{}", entry.text()).as_bytes());
        let bytes = tag.as_ref().first_chunk::<16>().copied().unwrap_or_default();
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    fn counting(&self) -> Counting<'_> {
        Counting { key: self.key(), limits: &self.limits }
    }

    fn key(&self) -> &hmac::Key {
        let keys = &self.counters;
        keys.find(keys.current()).expect("the current key is one of the keys, of which there is at least one")
    }
}
