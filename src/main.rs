//! The program `slugline`: passes the arguments to `cli::run` and returns its exit code.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Some threads allocate messages and others free them, which is slow in the system's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(slugline::run(std::env::args_os()) as u8)
}
