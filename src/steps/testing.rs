//! A temporary root directory to try steps in.

use std::collections::BTreeMap;

use super::{Action, Before, Context, Purge, Undone};
use crate::file_state::FileKind;
use crate::host::Host;
use crate::report::Silent;
use crate::store::Store;

/// A host that is a temporary directory.
pub struct Bed {
    _dir: tempfile::TempDir,
    pub host: Host,
}

impl Bed {
    /// With these directories in it, beside Landfall's own.
    #[allow(clippy::disallowed_methods)] // prepares the root from outside
    pub fn new(directories: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for directory in directories.iter().copied().chain(["var/lib/landfall"]) {
            std::fs::create_dir_all(dir.path().join(directory)).unwrap();
        }
        let host = Host::at(dir.path()).unwrap();
        Self { _dir: dir, host }
    }

    /// What `/etc/group` holds on a host with accounts.
    pub const GROUPS: &str = "root:x:0:\nsudo:x:27:\n";

    /// With the files that the programs of the shadow suite work on, and these lines more in
    /// `/etc/group`. Those programs only work for root.
    pub fn with_accounts(groups: &str) -> Self {
        assert!(rustix::process::geteuid().is_root(), "this test has to be run by root");
        let bed = Self::new(&["etc"]);
        let groups = format!("{}{groups}", Self::GROUPS);
        let gshadow: String = groups
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .map(|fields| format!("{}:!::{}\n", fields[0], fields[3]))
            .collect();
        bed.write("/etc/group", &groups);
        bed.write("/etc/gshadow", &gshadow);
        bed.write(
            "/etc/passwd",
            "root:x:0:0::/root:/bin/sh\ndeploy:x:1000:1000::/home/deploy:/bin/sh\n",
        );
        bed.write("/etc/shadow", "root:*:19000:0:99999:7:::\ndeploy:*:19000:0:99999:7:::\n");
        bed
    }

    pub fn context(&self) -> Context<'_> {
        Context {
            host: &self.host,
            store: Store::new(&self.host),
            reporter: &Silent,
            purge: Purge::Keep,
            running: std::cell::RefCell::default(),
            loaded: std::cell::RefCell::default(),
            kept: std::cell::RefCell::default(),
            copied: std::cell::RefCell::default(),
            inventory: std::cell::RefCell::default(),
            proxies: crate::net::proxy::Proxies::default(),
        }
    }

    pub fn apply(&self, step: &dyn Action) -> Before {
        let before = step.observe(&self.context()).unwrap();
        step.apply(&self.context()).unwrap();
        before
    }

    pub fn undo(&self, step: &dyn Action, before: &Before) -> Undone {
        step.undo(&self.context(), before).unwrap()
    }

    #[allow(clippy::disallowed_methods)] // a person's edit, from outside
    pub fn write(&self, path: &str, text: &str) {
        std::fs::write(self.host.outside_path(path), text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        self.host.read_text(path).unwrap().unwrap()
    }

    /// The same root, as a process that starts later sees it.
    pub fn reopen(&mut self) {
        self.host = Host::at(self.host.root_dir()).unwrap();
    }

    /// Everything beneath the root, by path: kind, mode, owner, extended attributes; of files
    /// also bytes and time, of links where they point.
    pub fn tree(&self) -> BTreeMap<String, String> {
        let mut tree = BTreeMap::new();
        self.walk("", &mut tree);
        tree
    }

    fn walk(&self, directory: &str, tree: &mut BTreeMap<String, String>) {
        for name in self.host.read_dir(&format!("{directory}/")).unwrap() {
            let path = format!("{directory}/{name}");
            let mut state = self.host.stat(&path).unwrap().unwrap();
            let bytes = match state.kind {
                FileKind::File => self.host.digest(&path).unwrap(),
                FileKind::Directory => {
                    // Whatever is made in it, or taken away, changes these.
                    (state.size, state.mtime) = (0, 0);
                    self.walk(&path, tree);
                    None
                }
                FileKind::Symlink | FileKind::Other => {
                    state.mtime = 0;
                    None
                }
            };
            tree.insert(path, format!("{state:?} {bytes:?}"));
        }
    }
}
