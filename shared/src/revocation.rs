//! Revocations, in the one form that Redis, the warm file and the test vectors share.
//!
//! Records are a grow-only set with expiry: applying one twice, late or out of order is harmless, and
//! a union of two sets is always safe. The log of records is the snapshot.
//!
//! Low to high: `kind`, `key`, `record`; `position`, `history`, `server_id`; `ack`; `hex`, `challenge`, `log_chain`, `log_keys`,
//! `log_certificate` (what makes the log authentic); `redis_keys`, `scripts`; `log_reply`, `reader` (what a
//! sidecar does), `leader` (what the relay does).

mod ack;
mod challenge;
mod hex;
mod history;
mod key;
mod kind;
mod leader;
mod log_certificate;
mod log_chain;
mod log_keys;
mod log_reply;
mod position;
mod reader;
mod record;
mod redis_keys;
pub mod scripts;
mod server_id;

use std::time::Duration;

pub use ack::{NotASidecarAck, SidecarAck};
pub use challenge::{Challenge, NotAChallenge};
pub use history::HistoryId;
pub use key::RecordKey;
pub use kind::{Kind, Reason};
pub use leader::{Leader, LeaderAction, LeaderEvent, LeaderFault, Waking};
pub use log_certificate::{LogCertificate, NotCertified, is_role_map, sign_role_map};
pub use log_chain::{LogChain, LogIdentity, NotALogChain};
pub use log_keys::{LOG_KEY_BYTES, LogKeys, NotLogKeys};
pub use log_reply::{LogEntry, LogPart, LogReply};
pub use position::LogPosition;
pub use reader::{LogFault, ReaderEffect, ReadingProof, RevocationReader};
pub use record::{RECORD_BYTES, Record, RecordError, Until, decode_all};
pub use redis_keys::RedisKeys;
pub use server_id::{NotAServerId, ServerId};

/// The longest time from the commit of a revocation until every sidecar that calls itself fresh refuses the token
/// (`S_max` in docs/revocation.md).
pub const MAX_AGE: Duration = Duration::from_secs(2);
