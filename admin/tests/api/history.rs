//! The login history: what it tells, that it never stands in the way, and its months.

mod list;
mod partitions;
