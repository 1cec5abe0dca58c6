//! How often anything that can be guessed or filled may be tried: the buckets, their limits, and the networks in which
//! clients are counted. `guessing` counts.

mod bucket;
mod configured;
mod network;

pub use bucket::{Bucket, CounterTable, LimitRule};
pub use configured::BucketLimits;
pub use network::Network;
