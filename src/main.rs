//! The program `slugline`: arguments to `cli::run`, its outcome to the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(slugline::cli::run(std::env::args_os()) as u8)
}
