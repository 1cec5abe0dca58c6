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

use super::key::RecordKey;
use super::kind::{Kind, Reason};

/// The length of a record.
pub const RECORD_BYTES: usize = 32;

const VERSION: u8 = 1;
const NEVER: u32 = u32::MAX;

/// Until when a record is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Until {
    /// Seconds since the Unix epoch, below 2^32 - 1 (the year 2106).
    At(u32),
    /// Permanently: a killed key stays killed.
    Never,
}

/// One revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Record {
    /// The kind of thing that it revokes.
    pub kind: Kind,
    /// Why.
    pub reason: Reason,
    /// Until when it must be kept.
    pub until: Until,
    /// Which token, session, user or key.
    pub key: RecordKey,
    /// The minimum generation for [`Kind::User`] and [`Kind::Everything`], zero otherwise. For a foreign
    /// issuer the generation of a token is its issue time in seconds.
    pub argument: u64,
}

/// The bytes are not a record of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not 32 bytes.
    #[error("a record must have 32 bytes; got {0}")]
    Length(usize),
    /// Written by a newer program.
    #[error("unknown record version {0}")]
    Version(u8),
    /// An unknown kind.
    #[error("unknown record kind {0}")]
    Kind(u8),
    /// An unknown reason.
    #[error("unknown record reason {0}")]
    Reason(u8),
    /// A byte that must be zero in this version is not, or a record about everything has a key.
    #[error("a byte of the record that must be zero is not zero")]
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
    /// If the bytes are not exactly a record of this version.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let bytes: &[u8; RECORD_BYTES] = bytes.try_into().map_err(|_| RecordError::Length(bytes.len()))?;
        let [version, kind, reason, zero, u0, u1, u2, u3, rest @ ..] = bytes;
        if *version != VERSION {
            return Err(RecordError::Version(*version));
        }
        let (key, argument) = rest.split_first_chunk::<16>().ok_or(RecordError::Length(bytes.len()))?;
        let argument = argument.first_chunk::<8>().ok_or(RecordError::Length(bytes.len()))?;
        let record = Self {
            kind: Kind::from_byte(*kind).ok_or(RecordError::Kind(*kind))?,
            reason: Reason::from_byte(*reason).ok_or(RecordError::Reason(*reason))?,
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

impl Until {
    /// The end at `second`; an end beyond the range of the format is [`Until::Never`].
    pub fn at(second: u64) -> Self {
        match u32::try_from(second) {
            Ok(second) if second != NEVER => Self::At(second),
            _ => Self::Never,
        }
    }
}

/// Reads concatenated records: a wake message, or a file.
///
/// Each record is decoded alone, so that an unknown one does not hide others.
pub fn decode_all(bytes: &[u8]) -> impl Iterator<Item = Result<Record, RecordError>> + '_ {
    bytes.chunks(RECORD_BYTES).map(Record::decode)
}
