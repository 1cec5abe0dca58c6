//! The tables with a partition for each month.

/// A table that is partitioned by month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthlyTable {
    /// Its name in the schema `auth`; those of its partitions begin with it.
    pub(crate) name: &'static str,
    /// As it is called in comments.
    pub(crate) title: &'static str,
    /// The advisory lock that is held while a partition is created or dropped: every replica does so.
    pub(crate) lock: i64,
}

/// The login history.
pub const LOGIN_HISTORY: MonthlyTable =
    MonthlyTable { name: "login_history", title: "The login history", lock: 0x0075_7368_6572_0010 };

/// The audit log.
pub const AUDIT_LOG: MonthlyTable =
    MonthlyTable { name: "audit_log", title: "The audit log", lock: 0x0075_7368_6572_0011 };
