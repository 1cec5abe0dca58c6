//! The buckets in which attempts are counted, and their limits.
//!
//! docs/accounts.md explains them; a test compares its tables with this file.

use std::net::IpAddr;

use super::network::Network;

/// One limit: what is counted together, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// Failures of one known device for one account.
    Device,
    /// The same in a day.
    DeviceDay,
    /// Failures of all known devices of an account.
    Devices,
    /// Failures from one address in a known network, for one account.
    NetworkAddress,
    /// The same in a day.
    NetworkAddressDay,
    /// Failures from one known network for one account.
    Network,
    /// Failures from all known networks of an account.
    Networks,
    /// Failures for one identifier from anywhere else.
    Identifier,
    /// The same in a day.
    IdentifierDay,
    /// Failures within one session, or within one flow.
    Session,
    /// Failures of an account within all sessions and flows of unknown devices.
    Account,
    /// Failures from one address.
    AddressFailures,
    /// Attempts from one address.
    AddressAttempts,
    /// Attempts for one identifier from addresses past their limits.
    SlowIdentifier,
    /// Registrations from one address.
    Registrations,
    /// Sign-ins through providers that one address starts.
    FlowsAddress,
    /// Sign-ins through providers that one site starts.
    Flows,
    /// Requests for a new password from one address.
    Resets,
    /// Requests for a code from one address.
    MailCodes,
    /// Wrong codes within one flow. No code works after them.
    CodeFlow,
    /// Wrong codes for one e-mail address. After them its codes are long.
    WrongCodes,
    /// Mails to one mailbox that strangers asked for.
    MailHour,
    /// The same in a day.
    MailDay,
    /// Mails to one mailbox that known devices and networks asked for.
    MailKnown,
}

/// Counters of one size and one length of time: a table of a fixed number of slots for each window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CounterTable {
    /// A minute, one byte a slot.
    Minute,
    /// Ten minutes, one byte a slot.
    Short,
    /// A day, one byte a slot.
    Day,
    /// Ten minutes, two bytes a slot.
    Addresses,
    /// An hour, two bytes a slot.
    Hour,
}

/// What happens above a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitRule {
    /// The attempt is refused.
    Refuse,
    /// The attempt is counted as that of a less known client: in the buckets of its known network, or of a stranger.
    Downgrade,
    /// The attempt takes the slow lane.
    Slow,
    /// The attempt is refused if it takes the slow lane; otherwise it is not counted here at all.
    RefuseIfSlow,
    /// Nothing: it is only counted.
    Count,
}

/// By how much the limits of a /56 and a /48 are higher than those of a /64.
const WIDE: u32 = 4;

/// The same for sign-ins through providers: one client that has a /56 starts half of what its site may start.
const WIDE_FLOWS: u32 = 2;

impl Bucket {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::Device,
        Self::DeviceDay,
        Self::Devices,
        Self::NetworkAddress,
        Self::NetworkAddressDay,
        Self::Network,
        Self::Networks,
        Self::Identifier,
        Self::IdentifierDay,
        Self::Session,
        Self::Account,
        Self::AddressFailures,
        Self::AddressAttempts,
        Self::SlowIdentifier,
        Self::Registrations,
        Self::FlowsAddress,
        Self::Flows,
        Self::Resets,
        Self::MailCodes,
        Self::CodeFlow,
        Self::WrongCodes,
        Self::MailHour,
        Self::MailDay,
        Self::MailKnown,
    ];

    /// Its name in metrics, logs and the login history.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::DeviceDay => "device_day",
            Self::Devices => "devices",
            Self::NetworkAddress => "network_address",
            Self::NetworkAddressDay => "network_address_day",
            Self::Network => "network",
            Self::Networks => "networks",
            Self::Identifier => "identifier",
            Self::IdentifierDay => "identifier_day",
            Self::Session => "session",
            Self::Account => "account",
            Self::AddressFailures => "address_failures",
            Self::AddressAttempts => "address_attempts",
            Self::SlowIdentifier => "slow_identifier",
            Self::Registrations => "registrations",
            Self::FlowsAddress => "flows_address",
            Self::Flows => "flows",
            Self::Resets => "resets",
            Self::MailCodes => "mail_codes",
            Self::CodeFlow => "code_flow",
            Self::WrongCodes => "wrong_codes",
            Self::MailHour => "mail_hour",
            Self::MailDay => "mail_day",
            Self::MailKnown => "mail_known",
        }
    }

    /// Where it is counted.
    pub const fn table(self) -> CounterTable {
        match self {
            Self::Device | Self::NetworkAddress | Self::Network | Self::Identifier | Self::Session => {
                CounterTable::Short
            }
            Self::DeviceDay
            | Self::Devices
            | Self::NetworkAddressDay
            | Self::Networks
            | Self::IdentifierDay
            | Self::Account
            | Self::CodeFlow
            | Self::WrongCodes
            | Self::MailDay
            | Self::MailKnown => CounterTable::Day,
            Self::AddressFailures | Self::AddressAttempts | Self::FlowsAddress | Self::Flows => {
                CounterTable::Addresses
            }
            Self::SlowIdentifier => CounterTable::Minute,
            Self::Registrations | Self::Resets | Self::MailCodes | Self::MailHour => CounterTable::Hour,
        }
    }

    /// How many are allowed in a window, unless `ADMIN_LIMITS` says otherwise.
    pub const fn usual_limit(self) -> u32 {
        match self {
            Self::Device | Self::NetworkAddress | Self::Identifier => 10,
            // More than two devices, or addresses, must fail before others of the account are concerned.
            Self::DeviceDay | Self::NetworkAddressDay | Self::Network => 30,
            Self::Devices | Self::Networks | Self::IdentifierDay => 100,
            Self::Session | Self::CodeFlow => 5,
            Self::Account | Self::WrongCodes => 20,
            Self::AddressFailures => 600,
            Self::AddressAttempts => 6_000,
            Self::SlowIdentifier => 1,
            Self::Registrations => 300,
            // A quarter of what its site may start.
            Self::FlowsAddress => 300,
            // A fiftieth of what may be in progress in all.
            Self::Flows => 1_200,
            Self::Resets | Self::MailCodes => 200,
            Self::MailHour | Self::MailKnown => 3,
            Self::MailDay => 8,
        }
    }

    /// The highest limit that can be configured.
    pub const fn highest_limit(self) -> u32 {
        match self {
            // `mail_proof::code` computes how far guessing gets with these; more would be unsafe.
            Self::CodeFlow | Self::WrongCodes => self.usual_limit(),
            // So that no counter overflows.
            _ if self.table().width() == 1 => 250,
            _ => 60_000,
        }
    }

    /// By how much the limit of a network is higher in which one client may have many networks of its own.
    pub(super) const fn wide_factor(self) -> u32 {
        match self {
            Self::Flows => 1,
            Self::FlowsAddress => WIDE_FLOWS,
            _ => WIDE,
        }
    }

    /// Whether only failures are counted: a success takes its attempt back.
    pub const fn counts_failures(self) -> bool {
        match self {
            Self::Device
            | Self::DeviceDay
            | Self::Devices
            | Self::NetworkAddress
            | Self::NetworkAddressDay
            | Self::Network
            | Self::Networks
            | Self::Identifier
            | Self::IdentifierDay
            | Self::Session
            | Self::Account
            | Self::CodeFlow
            | Self::WrongCodes
            | Self::AddressFailures => true,
            Self::AddressAttempts
            | Self::SlowIdentifier
            | Self::Registrations
            | Self::FlowsAddress
            | Self::Flows
            | Self::Resets
            | Self::MailCodes
            | Self::MailHour
            | Self::MailDay
            | Self::MailKnown => false,
        }
    }

    /// Whether it counts what hashing or judging a password costs, whatever comes of the attempt.
    pub const fn counts_work(self) -> bool {
        matches!(self, Self::AddressAttempts | Self::SlowIdentifier)
    }

    /// Whether it is kept for each network of an address.
    pub const fn is_of_address(self) -> bool {
        match self {
            Self::AddressFailures
            | Self::AddressAttempts
            | Self::Registrations
            | Self::FlowsAddress
            | Self::Resets
            | Self::MailCodes
            | Self::Flows => true,
            Self::Device
            | Self::DeviceDay
            | Self::Devices
            | Self::NetworkAddress
            | Self::NetworkAddressDay
            | Self::Network
            | Self::Networks
            | Self::Identifier
            | Self::IdentifierDay
            | Self::Session
            | Self::Account
            | Self::SlowIdentifier
            | Self::CodeFlow
            | Self::WrongCodes
            | Self::MailHour
            | Self::MailDay
            | Self::MailKnown => false,
        }
    }

    /// The networks of an address that it is kept for; none if it is kept for something else.
    pub fn networks(self, address: IpAddr) -> Vec<Network> {
        if !self.is_of_address() {
            Vec::new()
        } else if self == Self::Flows {
            vec![Network::site(address)]
        } else if self == Self::FlowsAddress {
            Network::of_one_client(address)
        } else {
            Network::counted(address)
        }
    }
}

impl CounterTable {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Minute, Self::Short, Self::Day, Self::Addresses, Self::Hour];

    /// Its name in the keys of Redis.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Short => "short",
            Self::Day => "day",
            Self::Addresses => "addresses",
            Self::Hour => "hour",
        }
    }

    /// How long a window is, in seconds.
    pub const fn window(self) -> u64 {
        match self {
            Self::Minute => 60,
            Self::Short | Self::Addresses => 600,
            Self::Day => 86_400,
            Self::Hour => 3_600,
        }
    }

    /// How many slots a window has.
    pub const fn slots(self) -> u32 {
        match self {
            Self::Short | Self::Day => 1 << 24,
            Self::Minute | Self::Addresses | Self::Hour => 1 << 20,
        }
    }

    /// The bytes of a slot.
    pub const fn width(self) -> u32 {
        match self {
            Self::Minute | Self::Short | Self::Day => 1,
            Self::Addresses | Self::Hour => 2,
        }
    }
}
