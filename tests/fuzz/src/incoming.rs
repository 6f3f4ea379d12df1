//! Any bytes as a message that came in are read without a panic, in bounded time, and what is reported is on one line.
//!
//! Started by `tests/fuzz/run`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use slugline::parts::parse_incoming;

fuzz_target!(|bytes: &[u8]| {
    let incoming = parse_incoming(bytes);
    for report in &incoming.recipients {
        let diagnostic = report.diagnostic.as_deref().unwrap_or_default();
        assert!(!diagnostic.contains('\n') && diagnostic.chars().count() <= 510, "{diagnostic:?}");
        assert!(report.status.as_deref().is_none_or(|status| status.split('.').count() == 3), "{:?}", report.status);
    }
});
