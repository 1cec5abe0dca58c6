//! Revocations, in the one form that Redis, the warm file and the test vectors share.
//!
//! Records are a grow-only set with expiry: applying one twice, late or out of order is harmless, and
//! a union of two sets is always safe. The log of records is the snapshot.
//!
//! Low to high: `kind`, `key`, `record`; `position`; `redis_keys`, `scripts`.

mod key;
mod kind;
mod position;
mod record;
mod redis_keys;
pub mod scripts;

pub use key::RecordKey;
pub use kind::{Kind, Reason};
pub use position::LogPosition;
pub use record::{RECORD_BYTES, Record, RecordError, Until, decode_all};
pub use redis_keys::RedisKeys;
