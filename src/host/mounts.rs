//! Unmounting what an engine left.

use rustix::mount::UnmountFlags;

use super::tree::is_on_itself;
use super::{Host, HostError};
use crate::file_state::is_beneath;

/// File systems that engines mount for containers; a person's disk is none of them.
const ENGINES: [&str; 6] = ["fuse.fuse-overlayfs", "mqueue", "nsfs", "overlay", "proc", "tmpfs"];

impl Host {
    /// All mount points of the running system, in the order of mounting.
    ///
    /// # Errors
    /// [`HostError::Io`] if the kernel's table cannot be read.
    pub fn mount_points(&self) -> Result<Vec<String>, HostError> {
        Ok(self.mounts()?.into_iter().map(|mount| mount.point).collect())
    }

    pub(super) fn mounts(&self) -> Result<Vec<Mount>, HostError> {
        let table = self.read_text("/proc/self/mountinfo")?.unwrap_or_default();
        Ok(parse(&table))
    }

    /// Where a path without links lies on its disk, whatever mounts it is reached by: the numbers
    /// of the device, and the path from the top of its file system. Two such places can be compared
    /// like paths. It need not exist.
    ///
    /// # Errors
    /// [`HostError::Io`] if the kernel's table cannot be read.
    pub fn place_on_disk(&self, path: &str) -> Result<String, HostError> {
        Ok(on_disk(&self.mounts()?, path))
    }

    /// Unmounts what an engine mounted beneath these directories (not on them; a directory on
    /// itself, too) and did not stand there `before`, last mounted first.
    ///
    /// # Errors
    /// [`HostError::Io`] if a mount cannot be taken away.
    pub fn unmount_engines(
        &self,
        directories: &[String],
        before: &[String],
    ) -> Result<(), HostError> {
        let mounts = self.mounts()?;
        for mount in mounts.iter().rev() {
            let point = &mount.point;
            let beneath = directories.iter().any(|dir| {
                point.strip_prefix(dir.as_str()).is_some_and(|rest| rest.starts_with('/'))
            });
            let is_engines = mount.is_engines() || is_on_itself(mount, &mounts);
            if !beneath || before.contains(point) || !is_engines {
                continue;
            }
            match rustix::mount::unmount(point, UnmountFlags::DETACH) {
                // Several layers on one point, or one that went with its parent.
                Ok(()) | Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOENT) => {}
                Err(errno) => return Err(HostError::errno("unmount", point, errno)),
            }
        }
        Ok(())
    }
}

/// A mount.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub point: String,
    pub kind: String,
    /// The numbers of the file system's device, as the kernel writes them.
    pub device: String,
    /// The directory of that file system that is shown at the mount point.
    pub root: String,
}

impl Mount {
    /// Whether it may be one that an engine made for containers.
    pub fn is_engines(&self) -> bool {
        ENGINES.contains(&self.kind.as_str())
    }
}

fn on_disk(mounts: &[Mount], path: &str) -> String {
    // Of several on one point the last one is seen.
    let around = mounts.iter().filter(|mount| is_beneath(path, mount.point.trim_end_matches('/')));
    let Some(mount) = around.max_by_key(|mount| mount.point.len()) else { return path.to_owned() };
    let rest = path.strip_prefix(mount.point.trim_end_matches('/')).unwrap_or_default();
    let place = format!("{}{}{rest}", mount.device, mount.root.trim_end_matches('/'));
    place.trim_end_matches('/').to_owned()
}

/// What each line says (proc_pid_mountinfo(5)): of its fields the third to the fifth, with `\040`
/// and the like decoded, and the first one after the dash.
pub(super) fn parse(table: &str) -> Vec<Mount> {
    let mount = |line: &str| {
        let (before, after) = line.split_once(" - ")?;
        let mut fields = before.split(' ').skip(2);
        Some(Mount {
            device: fields.next()?.to_owned(),
            root: unescape(fields.next()?),
            point: unescape(fields.next()?),
            kind: after.split(' ').next()?.to_owned(),
        })
    };
    table.lines().filter_map(mount).collect()
}

fn unescape(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    let mut rest = field;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let code = rest.get(at + 1..at + 4).and_then(|octal| u8::from_str_radix(octal, 8).ok());
        match code {
            Some(byte) => {
                text.push(char::from(byte));
                rest = &rest[at + 4..];
            }
            None => {
                text.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_read_and_decoded() {
        let table = "36 35 98:0 / /run/docker/netns/default rw,relatime - nsfs nsfs rw\n\
                     37 35 98:0 / /mnt/a\\040b rw - ext4 /dev/sda rw\n";
        let found: Vec<_> =
            parse(table).into_iter().map(|mount| (mount.point, mount.kind)).collect();
        let expected = [("/run/docker/netns/default", "nsfs"), ("/mnt/a b", "ext4")];
        assert_eq!(found, expected.map(|(point, kind)| (point.to_owned(), kind.to_owned())));
    }

    #[test]
    fn one_place_has_one_name_on_its_disk() {
        let mounts = parse(
            "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n\
             2 1 8:2 / /data rw - ext4 /dev/sda2 rw\n\
             3 1 8:1 /var/lib/docker/sub /mnt/sub rw - ext4 /dev/sda1 rw\n\
             4 1 8:3 / /srv rw - ext4 /dev/sda3 rw\n\
             5 1 8:2 /docker /srv rw - ext4 /dev/sda2 rw\n",
        );
        for (path, place) in [
            ("/", "8:1"),
            ("/var/lib/docker", "8:1/var/lib/docker"),
            ("/mnt/sub/new", "8:1/var/lib/docker/sub/new"),
            ("/mnt/subway", "8:1/mnt/subway"),
            ("/data", "8:2"),
            ("/data/docker/x", "8:2/docker/x"),
            ("/srv/x", "8:2/docker/x"),
        ] {
            assert_eq!(on_disk(&mounts, path), place);
        }
    }
}
