//! From arguments, environment and configuration file to [`Desired`](crate::desired::Desired).
//!
//! Pure: the caller reads the file. Flags win over the file (the environment stands in for
//! flags, at the command line's own parser).

mod desired;
pub mod duration;
mod error;
mod file;
mod names;
mod options;
pub mod recipe;
mod registries;

/// Where the configuration is looked for when `--config` does not name it.
pub const CONFIG_FILE: &str = "/etc/landfall/landfall.yaml";

pub use desired::desired;
pub use error::{ConfigError, Origin};
pub use file::{DownloadConfig, FileConfig, Layer, OnlineConfig, origin, parse_yaml};
pub use options::{Method, Options};
pub use registries::{RegistryAsked, registries};
