//! The engine as a program of its own, to be driven before it is part of `landfall`.

use std::{env, path::Path, process::ExitCode};

use landfall_engine::image::{Helper, apply_layer};

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [command, directory] if command == Helper::SUBCOMMAND => apply_layer(Path::new(directory)),
        _ => ExitCode::from(2),
    }
}
