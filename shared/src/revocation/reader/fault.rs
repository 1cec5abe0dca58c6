//! What can be wrong with a log that is read.

/// What is wrong with the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFault {
    /// The server is a replica.
    NotMaster,
    /// There is no log.
    NoEpoch,
    /// Its epoch is lower than one already read.
    LowerEpoch,
    /// It has another history under the same number.
    Fork,
    /// It ends before the position.
    Regressed,
    /// Records are missing.
    Gap,
    /// Its records are not those that were signed.
    Altered,
}

impl LogFault {
    /// For people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NotMaster => {
                "the server is a replica, which may be behind; configure the address of the master"
            }
            Self::NoEpoch => "the relay of admin has not written it yet",
            Self::LowerEpoch => {
                "its epoch is lower than one already read; restart this sidecar if PostgreSQL was restored"
            }
            Self::Fork => "another history has the same epoch; reading it from the beginning",
            Self::Regressed => "it ends before the position of this sidecar",
            Self::Gap => "records are missing from it; a new epoch restores them",
            Self::Altered => "its records are not those that admin signed; another client writes to Redis",
        }
    }
}
