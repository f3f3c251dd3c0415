//! The `landfall` program.

mod nss;

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(landfall::cli::run())
}
