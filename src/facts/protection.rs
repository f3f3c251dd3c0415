//! What chattr(1) protects against changes: flags of inodes, which file systems such as ext4,
//! xfs and btrfs have.

use std::collections::{BTreeMap, BTreeSet};

use super::{Protection, Wanted};
use crate::file_state::parent_of;
use crate::host::{Host, HostError};
use crate::store::STATE_DIR;

/// What the programs of the shadow suite change when a group is made or gets a member: the
/// files, the versions before, and names in their directory (locks, new versions).
pub const ACCOUNT_FILES: [&str; 5] =
    ["/etc", "/etc/group", "/etc/group-", "/etc/gshadow", "/etc/gshadow-"];
/// What usermod(8), by which an image's groups get their members, opens for writing as well.
pub const USER_FILES: [&str; 2] = ["/etc/passwd", "/etc/shadow"];

/// Looks at everything that may be changed, and at the directories above it.
///
/// # Errors
/// [`HostError`] if something that is there cannot be looked at.
pub fn gather(host: &Host, wanted: &Wanted) -> Result<BTreeMap<String, Protection>, HostError> {
    if host.uid() != 0 {
        // Others may not look everywhere; preflight says that root is needed.
        return Ok(BTreeMap::new());
    }
    let named = wanted.texts.iter().chain(&wanted.programs).chain(&wanted.paths);
    let named = named.chain(&wanted.file_systems).map(String::as_str);
    let mut paths: BTreeSet<&str> = BTreeSet::new();
    for path in named.chain(ACCOUNT_FILES).chain(USER_FILES).chain([STATE_DIR]) {
        let mut at = Some(path);
        while let Some(path) = at.filter(|path| paths.insert(path)) {
            at = parent_of(path);
        }
    }
    let mut found = BTreeMap::new();
    for path in paths {
        if let Some(protection) = host.protection(path)? {
            found.insert(path.to_owned(), protection);
        }
    }
    Ok(found)
}
