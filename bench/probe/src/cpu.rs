//! The processor time of another process, as the kernel counts it.

use std::time::Duration;

use crate::Failure;

/// User and system time spent so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cpu {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
}

impl Cpu {
    /// Reads `/proc/<pid>/stat`, whose unit is the hundredth of a second.
    pub(crate) fn of(pid: u32) -> Result<Self, Failure> {
        let path = format!("/proc/{pid}/stat");
        let stat = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        // The second field is a name that may hold spaces; what follows its closing parenthesis does not.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |index: usize| -> Result<Duration, Failure> {
            let ticks: u64 = fields.get(index).ok_or("a line of /proc/<pid>/stat is too short")?.parse()?;
            Ok(Duration::from_millis(ticks * 10))
        };
        Ok(Self { user: ticks(11)?, system: ticks(12)? })
    }

    /// What was spent since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
        }
    }
}
