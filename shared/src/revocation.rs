//! What is revoked, in the one form that Redis, a warm file and the test vectors share.
//!
//! Records are a grow-only set with expiry: applying one twice, late or out of order is harmless, and
//! a union of two sets is always safe. The log of records is the snapshot.

mod key;
mod position;
mod record;
mod redis_keys;
pub mod scripts;

pub use key::RecordKey;
pub use position::LogPosition;
pub use record::{Kind, RECORD_BYTES, Reason, Record, RecordError, Until, decode_all};
pub use redis_keys::RedisKeys;
