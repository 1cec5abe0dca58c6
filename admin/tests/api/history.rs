//! The login history: its content, its partitions, and that it never delays an operation.

mod list;
mod partitions;
