//! The CPU time of another process, from the kernel.

use std::time::Duration;

use crate::failure::ProbeError;

/// User and system time used so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cpu {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
}

impl Cpu {
    /// Reads `/proc/<pid>/stat`, which counts hundredths of a second.
    pub(crate) fn of(pid: u32) -> Result<Self, ProbeError> {
        let path = format!("/proc/{pid}/stat");
        let stat = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        // The second field is a name that may have spaces; the fields after its closing parenthesis have none.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |index: usize| -> Result<Duration, ProbeError> {
            let ticks: u64 = fields.get(index).ok_or("a line of /proc/<pid>/stat is too short")?.parse()?;
            Ok(Duration::from_millis(ticks * 10))
        };
        Ok(Self { user: ticks(11)?, system: ticks(12)? })
    }

    /// The time used since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
        }
    }
}
