//! File systems: names of their types, and whether they suit.

use super::FileSystemFact;
use crate::host::{Host, HostError};

/// Types by `f_type` of statfs(2): linux/magic.h, and the out-of-tree ones' own headers.
const TYPES: &[(u64, &str)] = &[
    (0x0000_4d44, "vfat"),
    (0x0000_517b, "smb"),
    (0x0000_6969, "nfs"),
    (0x0000_9660, "iso9660"),
    (0x0000_ef53, "ext4"),
    (0x0000_f15f, "ecryptfs"),
    (0x00c3_6400, "ceph"),
    (0x0102_1994, "tmpfs"),
    (0x0102_1997, "9p"),
    (0x0116_1970, "gfs2"),
    (0x0bd0_0bd0, "lustre"),
    (0x2011_bab0, "exfat"),
    (0x2fc1_2fc1, "zfs"),
    (0x3153_464a, "jfs"),
    (0x4750_4653, "gpfs"),
    (0x5265_4973, "reiserfs"),
    (0x5846_5342, "xfs"),
    (0x6165_676c, "pstore"),
    (0x6175_6673, "aufs"),
    (0x6573_5546, "fuse"),
    (0x7371_7368, "squashfs"),
    (0x7461_636f, "ocfs2"),
    (0x794c_7630, "overlay"),
    (0x8584_58f6, "ramfs"),
    (0x9123_683e, "btrfs"),
    (0xca45_1a4e, "bcachefs"),
    (0xe0f5_e1e2, "erofs"),
    (0xf2f5_2010, "f2fs"),
    (0xfe53_4d42, "smb2"),
    (0xff53_4d42, "cifs"),
];

/// The name of a type; hexadecimal if it is unknown. `ext4` stands for ext2 and ext3 too,
/// which have the same number.
pub fn name(magic: u64) -> String {
    // Some architectures sign-extend the 32 bits that the number has.
    let magic = magic & 0xffff_ffff;
    TYPES
        .iter()
        .find(|(number, _)| *number == magic)
        .map_or_else(|| format!("0x{magic:x}"), |(_, name)| (*name).to_owned())
}

/// Looks at the file system on which `path` lies, or would lie.
///
/// # Errors
/// [`HostError`] if the host cannot be asked.
pub fn gather(host: &Host, path: &str) -> Result<FileSystemFact, HostError> {
    let found = host.file_system(path)?;
    Ok(FileSystemFact {
        available: found.available,
        inodes: found.inodes,
        read_only: found.read_only,
        no_exec: found.no_exec,
        no_suid: found.no_suid,
        no_dev: found.no_dev,
        kind: name(found.magic),
        device: found.device,
        reports_entry_type: match host.reports_entry_type(path) {
            // Who may not look there cannot tell.
            Err(error) if error.is_permission_denied() => None,
            answer => answer?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(name(0xef53), "ext4");
        assert_eq!(name(0x794c_7630), "overlay");
        assert_eq!(name(0xffff_ffff_9123_683e), "btrfs");
        assert_eq!(name(0x1234), "0x1234");
    }

    #[test]
    fn a_path_that_does_not_exist_lies_where_its_parent_does() {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::at(dir.path()).unwrap();
        let here = gather(&host, "/").unwrap();
        let there = gather(&host, "/no/such/place").unwrap();
        assert_eq!((here.device, &here.kind), (there.device, &there.kind));
        assert!(there.available > 0);
    }
}
