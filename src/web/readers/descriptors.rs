//! How many connections the system lets this process have: each is an open file.

/// What the process has open besides connections: stores, the log, connections to mail servers.
const OTHERS: u64 = 128;

/// Raises the limit of open files as far as it is allowed, and returns how many connections there may be, at most `wanted`.
#[cfg(unix)]
pub(super) fn connections(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let needed = wanted as u64 + OTHERS;
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.unwrap_or(u64::MAX);
    if current >= needed {
        return wanted;
    }
    let raised = needed.min(limit.maximum.unwrap_or(u64::MAX));
    let is_raised = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum }).is_ok();
    let files = if is_raised { raised } else { current };
    usize::try_from(files.saturating_sub(OTHERS)).unwrap_or(wanted).clamp(1, wanted)
}

#[cfg(not(unix))]
pub(super) fn connections(wanted: usize) -> usize {
    wanted
}
