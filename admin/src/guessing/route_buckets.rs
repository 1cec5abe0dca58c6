//! Which buckets a route takes, for each kind of client.
//!
//! docs/accounts.md has the same table; a test compares them.

use super::route::LimitedRoute;
use crate::limits::{Bucket, LimitRule};

/// What is known about the client of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquaintance {
    /// Its device token lists the account.
    Device,
    /// The account signed in from its network within the last 30 days.
    Network,
    /// Neither.
    None,
}

/// The buckets of a sign-in from a known network.
const OF_NETWORK: &[(Bucket, LimitRule)] = &[
    (Bucket::NetworkAddress, LimitRule::Downgrade),
    (Bucket::NetworkAddressDay, LimitRule::Downgrade),
    (Bucket::Network, LimitRule::Downgrade),
    (Bucket::Networks, LimitRule::Downgrade),
    (Bucket::AddressFailures, LimitRule::Count),
    (Bucket::AddressAttempts, LimitRule::Count),
];

/// The buckets of a sign-in from anywhere else.
const OF_STRANGER: &[(Bucket, LimitRule)] = &[
    (Bucket::Identifier, LimitRule::Refuse),
    (Bucket::IdentifierDay, LimitRule::Refuse),
    (Bucket::AddressFailures, LimitRule::Slow),
    (Bucket::AddressAttempts, LimitRule::Slow),
    (Bucket::SlowIdentifier, LimitRule::RefuseIfSlow),
];

/// The buckets of a code from a mail. `mail_proof::code` computes how far guessing gets.
const OF_CODE: &[(Bucket, LimitRule)] = &[
    (Bucket::CodeFlow, LimitRule::Refuse),
    (Bucket::WrongCodes, LimitRule::Count),
    (Bucket::AddressFailures, LimitRule::Slow),
    (Bucket::AddressAttempts, LimitRule::Slow),
    (Bucket::SlowIdentifier, LimitRule::RefuseIfSlow),
];

/// The buckets of a known device.
const OF_DEVICE: &[(Bucket, LimitRule)] = &[
    (Bucket::Device, LimitRule::Refuse),
    (Bucket::DeviceDay, LimitRule::Refuse),
    (Bucket::Devices, LimitRule::Downgrade),
    (Bucket::AddressFailures, LimitRule::Count),
    (Bucket::AddressAttempts, LimitRule::Count),
];

/// The same for a session or flow on it.
const OF_SESSION_ON_DEVICE: &[(Bucket, LimitRule)] = &[
    (Bucket::Session, LimitRule::Refuse),
    (Bucket::Device, LimitRule::Refuse),
    (Bucket::DeviceDay, LimitRule::Refuse),
    (Bucket::Devices, LimitRule::Downgrade),
    (Bucket::AddressFailures, LimitRule::Count),
    (Bucket::AddressAttempts, LimitRule::Count),
];

/// The buckets of the former password: of its link alone, which only its holder can fill.
const OF_UNDO: &[(Bucket, LimitRule)] = &[
    (Bucket::Session, LimitRule::Refuse),
    (Bucket::IdentifierDay, LimitRule::Refuse),
    (Bucket::AddressFailures, LimitRule::Count),
    (Bucket::AddressAttempts, LimitRule::Count),
];

/// The buckets of a route for a client, in the order in which they are checked.
pub const fn buckets(route: LimitedRoute, client: Acquaintance) -> &'static [(Bucket, LimitRule)] {
    use Acquaintance as A;
    use Bucket as B;
    use LimitRule::{Count, Downgrade, Refuse, RefuseIfSlow, Slow};

    match (route, client) {
        (LimitedRoute::Login, A::Device) => OF_DEVICE,
        (LimitedRoute::Login, A::Network) => OF_NETWORK,
        (LimitedRoute::Login, A::None) => OF_STRANGER,
        (LimitedRoute::Confirmation | LimitedRoute::Change, A::Device) => OF_SESSION_ON_DEVICE,
        // A session is known by itself.
        (LimitedRoute::Change, A::Network | A::None) | (LimitedRoute::Confirmation, A::Network) => &[
            (B::Session, Refuse),
            (B::Account, Refuse),
            (B::AddressFailures, Count),
            (B::AddressAttempts, Count),
        ],
        (LimitedRoute::Confirmation, A::None) => &[
            (B::Session, Refuse),
            (B::Account, Refuse),
            (B::AddressFailures, Slow),
            (B::AddressAttempts, Slow),
            (B::SlowIdentifier, RefuseIfSlow),
        ],
        (LimitedRoute::Registration, A::Device | A::Network | A::None) => {
            &[(B::Registrations, Refuse), (B::AddressAttempts, Slow), (B::SlowIdentifier, RefuseIfSlow)]
        }
        (LimitedRoute::ProviderStart, A::Device | A::Network | A::None) => {
            &[(B::FlowsAddress, Refuse), (B::Flows, Refuse)]
        }
        (LimitedRoute::Forgot, A::Device | A::Network) => &[(B::Resets, Count), (B::AddressAttempts, Count)],
        (LimitedRoute::Forgot, A::None) => {
            &[(B::Resets, Refuse), (B::AddressAttempts, Slow), (B::SlowIdentifier, RefuseIfSlow)]
        }
        (LimitedRoute::CodeRequest, A::Device | A::Network) => {
            &[(B::MailCodes, Count), (B::AddressAttempts, Count)]
        }
        (LimitedRoute::CodeRequest, A::None) => {
            &[(B::MailCodes, Refuse), (B::AddressAttempts, Slow), (B::SlowIdentifier, RefuseIfSlow)]
        }
        (LimitedRoute::Code, A::Device | A::Network | A::None) => OF_CODE,
        (LimitedRoute::Undo, A::Device | A::Network | A::None) => OF_UNDO,
        (LimitedRoute::Reset, A::Device | A::Network | A::None) => {
            &[(B::AddressFailures, Slow), (B::AddressAttempts, Slow), (B::SlowIdentifier, RefuseIfSlow)]
        }
        (LimitedRoute::Mail, A::Device | A::Network) => &[(B::MailKnown, Downgrade)],
        (LimitedRoute::Mail, A::None) => &[(B::MailHour, Refuse), (B::MailDay, Refuse)],
    }
}
