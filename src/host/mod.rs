//! The only door to disk, processes and systemd.
//!
//! A [`Host`] is a root directory, beneath which every path is resolved, and – when that
//! root is the running system – its programs and its service manager.

pub mod attendant;
pub mod board;
pub mod cache_dir;
pub mod clock;
pub mod command;
pub mod digests;
mod error;
pub mod fault_point;
mod files;
pub mod input;
pub mod interrupt;
pub mod kill_point;
pub mod labels;
pub mod lock;
pub mod memory_file;
mod mounts;
mod netlink;
pub mod output;
mod own_program;
mod processes;
mod record_lock;
mod sandbox;
pub mod scope;
pub mod staging;
pub mod syslog;
pub mod systemd;
pub mod terminal;
pub mod tree;
pub mod usage;
mod write;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub use error::HostError;
pub use files::FileIdentity;
pub use write::reserve;

/// One host: the running one, or an image or chroot on disk (`--root DIR`).
pub struct Host {
    root: pathrs::Root,
    dir: PathBuf,
    live: bool,
    runtime: tokio::runtime::Runtime,
    systemd: std::cell::OnceCell<systemd::Systemd>,
    interrupt: interrupt::Interrupt,
    coming_up: std::cell::Cell<bool>,
    /// Directories that have new names which are not on disk yet.
    unsynced: RefCell<BTreeSet<String>>,
}

/// The running kernel, as uname(2) describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uname {
    /// Its release, whole.
    pub release: String,
    /// The architecture.
    pub machine: String,
}

impl Host {
    /// The running system.
    ///
    /// # Errors
    /// [`HostError::Io`] if `/` cannot be opened or no runtime can be made.
    pub fn live() -> Result<Self, HostError> {
        Self::open(PathBuf::from("/"), true)
    }

    /// The image or chroot at `dir`: files only, nothing in it is started. `/` is the running
    /// system, unless this process is in a chroot itself, as a script of an installer is.
    ///
    /// # Errors
    /// [`HostError::Io`] if `dir` is not a directory that can be opened.
    pub fn at(dir: &Path) -> Result<Self, HostError> {
        let dir =
            std::path::absolute(dir).and_then(|path| path.canonicalize()).map_err(|source| {
                HostError::io("open root directory", dir.to_string_lossy(), source)
            })?;
        let live = dir == Path::new("/") && systemd::is_booted();
        Self::open(dir, live)
    }

    fn open(dir: PathBuf, live: bool) -> Result<Self, HostError> {
        sandbox::check()?;
        let shown = dir.to_string_lossy().into_owned();
        let root = pathrs::Root::open(&dir)
            .map_err(|error| HostError::path("open root directory", &shown, &error))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| HostError::io("start a runtime for", &shown, source))?;
        Ok(Self {
            root,
            dir,
            live,
            runtime,
            systemd: std::cell::OnceCell::new(),
            interrupt: interrupt::Interrupt::default(),
            coming_up: std::cell::Cell::default(),
            unsynced: RefCell::default(),
        })
    }

    /// Whether this is the running system, where units can be started.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// The root directory, as the caller's own root sees it.
    pub fn root_dir(&self) -> &Path {
        &self.dir
    }

    /// A path beneath the root as other programs of the caller see it. Only for handing
    /// to them; Landfall itself opens paths beneath its root handle.
    pub fn outside_path(&self, path: &str) -> PathBuf {
        self.dir.join(path.trim_start_matches('/'))
    }

    /// Runs a future to its end on the host's own single-threaded runtime.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// What the running kernel says of itself, also to those who look at an image.
    pub fn uname(&self) -> Uname {
        let uname = rustix::system::uname();
        Uname {
            release: uname.release().to_string_lossy().into_owned(),
            machine: uname.machine().to_string_lossy().into_owned(),
        }
    }

    /// The name that the running kernel knows this machine by.
    pub fn node_name(&self) -> String {
        rustix::system::uname().nodename().to_string_lossy().into_owned()
    }

    /// The numeric id of the group that Landfall runs as.
    pub fn gid(&self) -> u32 {
        rustix::process::getegid().as_raw()
    }

    /// The numeric id of the user that Landfall runs as.
    pub fn uid(&self) -> u32 {
        rustix::process::geteuid().as_raw()
    }
}
