//! The kinds and the reasons of revocations, as numbers.

/// The kind of thing that a record revokes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// One access token, by its `jti`.
    Token = 1,
    /// All tokens of a session, by `sid`.
    Session = 2,
    /// All tokens of a user whose generation is below the argument.
    User = 3,
    /// All tokens signed with a key, by `kid`, and the key itself.
    Key = 4,
    /// All tokens whose deployment generation is below the argument.
    Everything = 5,
}

/// Why something is revoked. The client learns it, because it shows whether a refresh would help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Reason {
    /// Signed out, banned, reused: the user must sign in again. For a user this reason wins over the other.
    Revoked = 1,
    /// The roles changed: a refresh returns a valid token.
    RefreshNeeded = 2,
}

impl Kind {
    /// The kind with this number, the second byte of a record.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Token),
            2 => Some(Self::Session),
            3 => Some(Self::User),
            4 => Some(Self::Key),
            5 => Some(Self::Everything),
            _ => None,
        }
    }
}

impl Reason {
    /// The reason with this number, the third byte of a record.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Revoked),
            2 => Some(Self::RefreshNeeded),
            _ => None,
        }
    }
}
