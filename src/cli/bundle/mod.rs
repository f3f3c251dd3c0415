//! `landfall bundle …`: makes, signs, shows, checks and splits bundles. None of it touches a host.

mod create;
mod inspect;
mod keys;
mod split;
mod verify;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::args::Global;
use super::failure::{Failure, exit};
use super::output::Output;
use crate::config::recipe::{PackageFile, PluginFile};
use crate::digest::Digest;
use crate::host::input;
use crate::texts::{bundle as texts, errors, help};

/// The commands.
#[derive(Debug, Subcommand)]
pub enum BundleCommand {
    #[command(about = help::bundle::CREATE, after_help = help::bundle::CREATE_EXAMPLES)]
    Create(Box<CreateArgs>),
    #[command(about = help::bundle::INSPECT)]
    Inspect {
        #[arg(value_name = "BUNDLE", help = help::bundle::BUNDLE)]
        bundle: PathBuf,
    },
    #[command(about = help::bundle::VERIFY)]
    Verify {
        #[arg(value_name = "BUNDLE", help = help::bundle::BUNDLE)]
        bundle: PathBuf,
        #[arg(long = "trusted-key", value_name = "FILE", help = help::TRUSTED_KEY)]
        trusted_keys: Vec<PathBuf>,
        #[arg(long, value_name = "HEX", help = help::SHA256)]
        sha256: Option<Digest>,
    },
    #[command(about = help::bundle::KEYGEN, after_help = help::bundle::KEYGEN_NOTES)]
    Keygen {
        #[arg(value_name = "KEY", help = help::bundle::NEW_KEY)]
        key: PathBuf,
        #[arg(long, conflicts_with = "password_file", help = help::bundle::NO_PASSWORD)]
        no_password: bool,
        #[arg(long, value_name = "FILE", help = help::bundle::PASSWORD_FILE)]
        password_file: Option<PathBuf>,
    },
    #[command(about = help::bundle::SIGN)]
    Sign {
        #[arg(value_name = "BUNDLE", help = help::bundle::BUNDLE)]
        bundle: PathBuf,
        #[arg(long, value_name = "KEY", help = help::bundle::KEY)]
        key: PathBuf,
        #[arg(long, value_name = "FILE", help = help::bundle::PASSWORD_FILE)]
        password_file: Option<PathBuf>,
    },
    #[command(about = help::bundle::SPLIT, after_help = help::bundle::SPLIT_NOTES)]
    Split {
        #[arg(value_name = "BUNDLE", help = help::bundle::BUNDLE)]
        bundle: PathBuf,
        #[arg(long, value_name = "SIZE", value_parser = split::size, help = help::bundle::SIZE)]
        size: u64,
    },
}

/// What `bundle create` takes.
#[derive(Clone, Debug, Default, Args)]
pub struct CreateArgs {
    #[arg(short, long = "output", value_name = "FILE", help = help::bundle::OUTPUT)]
    pub output: PathBuf,
    #[arg(short = 'f', long = "file", value_name = "YAML", help = help::bundle::RECIPE)]
    pub recipe: Option<PathBuf>,
    #[arg(long, value_name = "ARCH", help = help::bundle::ARCH)]
    pub arch: Option<String>,
    #[arg(long, value_name = "FILE", help = help::bundle::ENGINE_ARCHIVE)]
    pub engine_archive: Option<PathBuf>,
    #[arg(long, value_name = "HEX", help = help::SHA256)]
    pub sha256: Option<Digest>,
    #[arg(long, help = help::ALLOW_UNPINNED)]
    pub allow_unpinned: bool,
    #[arg(long = "plugin", value_name = "NAME[@VERSION]=FILE", value_parser = PluginFile::parse, help = help::bundle::PLUGIN)]
    pub plugins: Vec<PluginFile>,
    #[arg(long = "image-archive", value_name = "FILE", help = help::bundle::IMAGE_ARCHIVE)]
    pub images: Vec<PathBuf>,
    #[arg(long = "package", value_name = "DISTRIBUTION=FILE", value_parser = PackageFile::parse, help = help::bundle::PACKAGE)]
    pub packages: Vec<PackageFile>,
    #[arg(long, value_name = "FILE", help = help::bundle::LANDFALL_BINARY)]
    pub landfall_binary: Option<PathBuf>,
    #[arg(long = "sign", value_name = "KEY", help = help::bundle::SIGN_WITH)]
    pub key: Option<PathBuf>,
    #[arg(long, value_name = "FILE", requires = "key", help = help::bundle::PASSWORD_FILE)]
    pub password_file: Option<PathBuf>,
}

/// `landfall bundle …`.
pub fn bundle(global: &Global, command: &BundleCommand, output: &Output) -> Result<u8, Failure> {
    match command {
        BundleCommand::Create(args) => create::create(global, args, output),
        BundleCommand::Inspect { bundle } => inspect::inspect(bundle, output),
        BundleCommand::Verify { bundle, trusted_keys, sha256 } => {
            verify::verify(global, bundle, trusted_keys, *sha256, output)
        }
        BundleCommand::Keygen { key, no_password, password_file } => {
            keys::keygen(key, *no_password, password_file.as_deref(), output)
        }
        BundleCommand::Sign { bundle, key, password_file } => {
            keys::sign(bundle, key, password_file.as_deref(), output)
        }
        BundleCommand::Split { bundle, size } => split::split(bundle, *size, output),
    }
}

/// Something about a file that was named, which is a matter of usage.
fn about(path: &Path, problem: impl std::fmt::Display) -> Failure {
    Failure::new(exit::USAGE, format!("{}: {problem}", path.display()))
}

/// The text of a file that was named.
fn text_of(path: &Path) -> Result<String, Failure> {
    let text = input::read_text(path).map_err(|error| usage(&error))?;
    text.ok_or_else(|| about(path, texts::NO_SUCH_FILE))
}

fn usage(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(exit::USAGE, error.to_string())
}

/// Why a bundle was not written.
fn not_written(path: &Path, error: &crate::bundle::format::WriteError) -> Failure {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    let problem = format!("{error}{}", cause.unwrap_or_default());
    Failure::new(exit::FAILED, errors::could_not(&path.to_string_lossy(), &problem))
}
