//! Fault injection: steps at which a test kills the program, to check that the next run recovers. Without the feature
//! `faults`, which no release has, the steps do nothing.
//!
//! `SLUGLINE_FAULT=N` kills the process with SIGKILL at the Nth step of any thread, `SLUGLINE_FAULT=NAME` at the first step
//! whose name starts with NAME. The step's name is written to the file that `SLUGLINE_FAULT_STEP` names.

/// Passes a step: `what` is being done, and `how_far` it has progressed.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub fn step(_what: impl std::fmt::Display, _how_far: &str) {}

/// Passes a step: `what` is being done, and `how_far` it has progressed.
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
