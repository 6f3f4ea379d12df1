//! The program `slugline`: arguments to `cli::run`, its outcome to the exit code.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Some threads write letters and others free them, at which the system's allocator is slow.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(slugline::run(std::env::args_os()) as u8)
}
