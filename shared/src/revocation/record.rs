//! The 32-byte revocation record.
//!
//! | bytes | what | form |
//! |---|---|---|
//! | 0 | version | 1 |
//! | 1 | kind | 1 token, 2 session, 3 user, 4 key, 5 everything |
//! | 2 | reason | 1 revoked, 2 refresh needed |
//! | 3 | zero | |
//! | 4-7 | until | seconds since the Unix epoch, big-endian; all ones for never |
//! | 8-23 | key | [`RecordKey`]; zero for everything |
//! | 24-31 | argument | big-endian: minimum generation (user, everything), else zero |

use super::RecordKey;

/// The length of a record.
pub const RECORD_BYTES: usize = 32;

const VERSION: u8 = 1;
const NEVER: u32 = u32::MAX;

/// What a record revokes.
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

/// Why; the client is told, so that it knows whether a refresh would help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Reason {
    /// Signed out, banned, reused: only signing in helps. For a user it wins over the other.
    Revoked = 1,
    /// The roles changed: a refresh brings a good token.
    RefreshNeeded = 2,
}

/// When a record has nothing left to refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Until {
    /// Seconds since the Unix epoch, below 2^32 - 1 (the year 2106).
    At(u32),
    /// A killed key stays killed.
    Never,
}

/// One revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Record {
    /// What it revokes.
    pub kind: Kind,
    /// Why.
    pub reason: Reason,
    /// Until when it must be kept.
    pub until: Until,
    /// Which one.
    pub key: RecordKey,
    /// The minimum generation for [`Kind::User`] and [`Kind::Everything`], zero otherwise. For a foreign
    /// issuer the generation of a token is its issue time in seconds.
    pub argument: u64,
}

/// The bytes are not a record of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not 32 bytes.
    #[error("a record has 32 bytes, not {0}")]
    Length(usize),
    /// Written by a newer program.
    #[error("record version {0} is not known")]
    Version(u8),
    /// An unknown kind.
    #[error("record kind {0} is not known")]
    Kind(u8),
    /// An unknown reason.
    #[error("record reason {0} is not known")]
    Reason(u8),
    /// A byte that is zero in this version was not, or everything had a key.
    #[error("a byte of the record that must be zero is not")]
    NotZero,
}

impl Record {
    /// The bytes of this record.
    pub fn encode(&self) -> [u8; RECORD_BYTES] {
        let until = match self.until {
            Until::At(second) => second,
            Until::Never => NEVER,
        };
        let parts = [VERSION, self.kind as u8, self.reason as u8, 0]
            .into_iter()
            .chain(until.to_be_bytes())
            .chain(*self.key.as_bytes())
            .chain(self.argument.to_be_bytes());
        let mut bytes = [0; RECORD_BYTES];
        for (to, from) in bytes.iter_mut().zip(parts) {
            *to = from;
        }
        bytes
    }

    /// Reads a record.
    ///
    /// # Errors
    ///
    /// When the bytes are not exactly a record of this version.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let bytes: &[u8; RECORD_BYTES] = bytes.try_into().map_err(|_| RecordError::Length(bytes.len()))?;
        let [version, kind, reason, zero, u0, u1, u2, u3, rest @ ..] = bytes;
        if *version != VERSION {
            return Err(RecordError::Version(*version));
        }
        let (key, argument) = rest.split_first_chunk::<16>().ok_or(RecordError::Length(bytes.len()))?;
        let argument = argument.first_chunk::<8>().ok_or(RecordError::Length(bytes.len()))?;
        let record = Self {
            kind: Kind::from_byte(*kind)?,
            reason: Reason::from_byte(*reason)?,
            until: match u32::from_be_bytes([*u0, *u1, *u2, *u3]) {
                NEVER => Until::Never,
                second => Until::At(second),
            },
            key: RecordKey::from_bytes(*key),
            argument: u64::from_be_bytes(*argument),
        };
        let keyless = record.kind == Kind::Everything && record.key != RecordKey::ZERO;
        if *zero != 0 || keyless { Err(RecordError::NotZero) } else { Ok(record) }
    }
}

impl Kind {
    /// The kind of a record's second byte.
    ///
    /// # Errors
    ///
    /// When no kind has this number.
    pub const fn from_byte(byte: u8) -> Result<Self, RecordError> {
        match byte {
            1 => Ok(Self::Token),
            2 => Ok(Self::Session),
            3 => Ok(Self::User),
            4 => Ok(Self::Key),
            5 => Ok(Self::Everything),
            _ => Err(RecordError::Kind(byte)),
        }
    }
}

impl Reason {
    /// The reason of a record's third byte.
    ///
    /// # Errors
    ///
    /// When no reason has this number.
    pub const fn from_byte(byte: u8) -> Result<Self, RecordError> {
        match byte {
            1 => Ok(Self::Revoked),
            2 => Ok(Self::RefreshNeeded),
            _ => Err(RecordError::Reason(byte)),
        }
    }
}

impl Until {
    /// The end at `second`; ends beyond what a record can say never come.
    pub fn at(second: u64) -> Self {
        match u32::try_from(second) {
            Ok(second) if second != NEVER => Self::At(second),
            _ => Self::Never,
        }
    }
}

/// Reads concatenated records: a wake message, or a file.
///
/// Each record is judged alone, so that one that is not understood hides no other.
pub fn decode_all(bytes: &[u8]) -> impl Iterator<Item = Result<Record, RecordError>> + '_ {
    bytes.chunks(RECORD_BYTES).map(Record::decode)
}
