//! `landfall bootstrap-script` and `landfall cloud-init`.

use std::collections::BTreeMap;
use std::str::FromStr;

use clap::Parser;

use super::args::{BootstrapArgs, Cli};
use super::failure::{Failure, exit};
use super::output::Output;
use crate::digest::Digest;
use crate::host::input;
use crate::render::bootstrap::{self, Bootstrap, BootstrapError};
use crate::texts::bootstrap as texts;

/// Prints the script.
pub fn script(args: &BootstrapArgs, output: &Output) -> Result<u8, Failure> {
    output.text("bootstrap-script", &bootstrap::script(&wanted(args)?)?);
    Ok(exit::DONE)
}

/// Prints the user-data.
pub fn user_data(args: &BootstrapArgs, output: &Output) -> Result<u8, Failure> {
    output.text("cloud-init", &bootstrap::user_data(&wanted(args)?)?);
    Ok(exit::DONE)
}

fn wanted(args: &BootstrapArgs) -> Result<Bootstrap, Failure> {
    // What is wrong with them is better said here than on each host at night.
    let mut command = vec!["landfall", "install"];
    command.extend(args.arguments.iter().map(String::as_str));
    if args.archive.is_some() {
        command.extend(["--offline", "archive.tgz"]);
    }
    Cli::try_parse_from(command).map_err(|error| {
        Failure::new(exit::USAGE, texts::bad_arguments(&error.render().to_string()))
            .hint(texts::BAD_ARGUMENTS_HINT)
    })?;
    let ca = args.ca.as_deref().map(input::read_document).transpose()?;
    Ok(Bootstrap {
        url: args.url.clone(),
        digests: digests(&args.sha256)?,
        archive: args.archive.clone(),
        ca,
        program: args.to.clone(),
        arguments: args.arguments.clone(),
    })
}

/// By machine; without any, this program's own.
fn digests(given: &[MachineDigest]) -> Result<BTreeMap<String, Digest>, Failure> {
    if given.is_empty() {
        return Ok([(own_machine().to_owned(), input::own_digest()?)].into());
    }
    let machine = |it: &MachineDigest| it.machine.clone().unwrap_or(own_machine().to_owned());
    Ok(given.iter().map(|it| (machine(it), it.digest)).collect())
}

/// The architecture that this program was built for, as `uname -m` names it.
fn own_machine() -> &'static str {
    match std::env::consts::ARCH {
        "arm" => "armv7l",
        "powerpc64" => "ppc64le",
        same => same,
    }
}

/// The digest of the program for a machine, as `--sha256` takes it.
#[derive(Clone, Debug)]
pub struct MachineDigest {
    machine: Option<String>,
    digest: Digest,
}

impl FromStr for MachineDigest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (machine, digest) = match text.split_once('=') {
            Some((machine, digest)) => (Some(machine.to_owned()), digest),
            None => (None, text),
        };
        let digest = digest.parse().map_err(|_| texts::not_a_digest(text))?;
        Ok(Self { machine, digest })
    }
}

impl From<BootstrapError> for Failure {
    fn from(error: BootstrapError) -> Self {
        let exit = match error {
            BootstrapError::Template(_) => exit::FAILED,
            _ => exit::USAGE,
        };
        Self::new(exit, error.to_string()).hint(error.hint())
    }
}
