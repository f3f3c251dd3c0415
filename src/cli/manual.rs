//! `landfall man` and `landfall completions`: what packages put beside the program.

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::Cli;
use super::failure::{Failure, exit};
use super::output::Output;
use crate::texts::{errors, help};

/// A manual page in troff: the program's own, or that of one command.
pub fn man(command: Option<&str>, output: &Output) -> Result<u8, Failure> {
    let mut all = Cli::command();
    all.build();
    let page = match command {
        None => all,
        Some(name) => {
            let found = all.find_subcommand(name).filter(|found| !found.is_hide_set());
            let found = found.ok_or_else(|| {
                Failure::new(exit::USAGE, errors::no_such_command(name)).hint(help::SEE_HELP)
            })?;
            // Pages of commands are named as git's are: landfall-install(1).
            let version = env!("CARGO_PKG_VERSION");
            found.clone().name(format!("landfall-{name}")).version(version)
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page)
        .render(&mut text)
        .map_err(|error| Failure::new(exit::FAILED, error.to_string()))?;
    let text = String::from_utf8_lossy(&text).replace("\n.SH EXTRA\n", "\n.SH NOTES\n");
    output.text("man", &text);
    Ok(exit::DONE)
}

/// What a shell needs to complete words of the command line.
pub fn completions(shell: Shell, output: &Output) -> Result<u8, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "landfall", &mut text);
    output.text("completions", &String::from_utf8_lossy(&text));
    Ok(exit::DONE)
}
