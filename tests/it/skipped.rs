//! A test that cannot be run here says why: on stderr, and in the file that `tests/run` counts. In CI it fails.

// Used by the unit tests and by the integration tests, neither of which needs all of it.
#![allow(dead_code, clippy::print_stderr)]

use std::env;
use std::fs::OpenOptions;
use std::io::Write;

/// Notes that the test is skipped because of `why`.
///
/// # Panics
/// In CI, where everything has to be there.
pub fn skip(why: &str) {
    assert!(env::var_os("CI").is_none(), "{why}");
    skip_even_in_ci(why);
}

/// The same for what not every machine can do.
pub fn skip_even_in_ci(why: &str) {
    eprintln!("skipped: {why}");
    if let Some(file) = env::var_os("SLUGLINE_TEST_SKIPPED") {
        // Tests are processes of their own: a short line is appended at once.
        let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
        file.write_all(format!("{why}\n").as_bytes()).unwrap();
    }
}
