//! The engine as a program of its own, to be driven before it is part of `landfall`.

use std::{
    env,
    error::Error,
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
};

use landfall_engine::{
    image::{Helper, apply_layer},
    runtime,
    server::{self, Options},
};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let words: Vec<&Path> = arguments.iter().map(Path::new).collect();
    let command = words.first().and_then(|word| word.to_str());
    let result: Result<(), Box<dyn Error>> = match (command, words.get(1..).unwrap_or_default()) {
        (Some(Helper::SUBCOMMAND), [directory]) => return apply_layer(directory),
        (Some("shim"), [directory]) => runtime::shim(directory),
        (Some("exec-helper"), [directory, container]) => runtime::exec_helper(directory, container),
        (Some("serve"), options) => serve(options),
        _ => Err("usage: landfall-engine serve [--root DIR] [--run DIR] [--socket PATH] \
                  [--cgroup PATH]"
            .into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&*error);
            ExitCode::FAILURE
        }
    }
}

fn serve(words: &[&Path]) -> Result<(), Box<dyn Error>> {
    let mut options = Options {
        root: "/var/lib/landfall-engine".into(),
        run: "/run/landfall-engine".into(),
        socket: "/run/landfall-engine.sock".into(),
        cgroup: "/landfall".into(),
    };
    for pair in words.chunks(2) {
        let [name, value] = pair else { return Err("every option has a value".into()) };
        let value: PathBuf = value.to_path_buf();
        match name.to_str() {
            Some("--root") => options.root = value,
            Some("--run") => options.run = value,
            Some("--socket") => options.socket = value,
            Some("--cgroup") => options.cgroup = value,
            _ => return Err(format!("unknown option {}", name.display()).into()),
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(server::serve(options))?;
    Ok(())
}

#[allow(clippy::print_stderr, reason = "the one place that prints")]
fn report(error: &dyn Error) {
    eprintln!("landfall-engine: {error}");
}
