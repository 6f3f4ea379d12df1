//! The steps at which a test kills the program, to see what the next run makes of what is left. Without the feature
//! `faults`, which no release has, there are none.
//!
//! `SLUGLINE_FAULT=N` kills the process at the Nth step that any of its threads takes, `SLUGLINE_FAULT=NAME` at the first
//! whose name begins so; as SIGKILL does: nothing is cleaned up. The name of the step is left in the file named by
//! `SLUGLINE_FAULT_STEP`.

/// Takes a step: `what` was being done, and `how_far` it has come.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub fn step(_what: impl std::fmt::Display, _how_far: &str) {}

/// Takes a step: `what` was being done, and `how_far` it has come.
#[cfg(feature = "faults")]
pub fn step(what: impl std::fmt::Display, how_far: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::{env, fs};

    static LAST: OnceLock<Option<String>> = OnceLock::new();
    static TAKEN: AtomicU64 = AtomicU64::new(0);
    let Some(last) = LAST.get_or_init(|| env::var("SLUGLINE_FAULT").ok()) else { return };
    let (taken, name) = (TAKEN.fetch_add(1, Ordering::SeqCst) + 1, format!("{what}: {how_far}"));
    let is_last = last.parse().map_or_else(|_| name.starts_with(last), |last: u64| taken == last);
    if !is_last {
        return;
    }
    if let Some(file) = env::var_os("SLUGLINE_FAULT_STEP") {
        let _ = fs::write(file, name);
    }
    let _ = signal_hook::low_level::raise(signal_hook::consts::SIGKILL);
}
