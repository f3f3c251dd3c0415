//! Archives made entry by entry, and applied by the program.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tar::{EntryType, Header};
use tempfile::TempDir;

/// The program under test.
pub const ENGINE: &str = env!("CARGO_BIN_EXE_landfall-engine");

/// A tar archive in the making. Names are written as they are, whatever they are.
pub struct Archive(pub Vec<u8>);

impl Archive {
    pub fn new() -> Self {
        Self(Vec::new())
    }

    /// One entry; `adjust` changes its header.
    pub fn entry(
        self,
        kind: EntryType,
        name: &[u8],
        data: &[u8],
        adjust: impl FnOnce(&mut Header),
    ) -> Self {
        self.boxed_entry(kind, name, data, Box::new(adjust))
    }

    fn boxed_entry(
        mut self,
        kind: EntryType,
        name: &[u8],
        data: &[u8],
        adjust: Box<dyn FnOnce(&mut Header) + '_>,
    ) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(if kind == EntryType::Directory { 0o755 } else { 0o644 });
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_000_000_000);
        header.set_size(data.len() as u64);
        if name.len() <= 100 {
            header.as_old_mut().name[..name.len()].copy_from_slice(name);
        } else {
            let none = Box::new(|_: &mut Header| {});
            self = self.boxed_entry(EntryType::GNULongName, b"././@LongLink", name, none);
        }
        adjust(&mut header);
        header.set_cksum();
        self.0.extend(header.as_bytes());
        self.0.extend(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub fn file(self, name: &str, data: &[u8]) -> Self {
        self.entry(EntryType::Regular, name.as_bytes(), data, |_| {})
    }

    pub fn directory(self, name: &str) -> Self {
        self.entry(EntryType::Directory, name.as_bytes(), b"", |_| {})
    }

    pub fn link(self, kind: EntryType, name: &str, target: &str) -> Self {
        self.entry(kind, name.as_bytes(), b"", |header| {
            header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        })
    }

    pub fn symlink(self, name: &str, target: &str) -> Self {
        self.link(EntryType::Symlink, name, target)
    }

    pub fn hard_link(self, name: &str, target: &str) -> Self {
        self.link(EntryType::Link, name, target)
    }

    /// PAX records for the entry that follows.
    pub fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let mut data = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let mut length = rest + 1;
            while length != rest + length.to_string().len() {
                length = rest + length.to_string().len();
            }
            data.extend(format!("{length} {key}=").as_bytes());
            data.extend(*value);
            data.push(b'\n');
        }
        self.entry(EntryType::XHeader, b"PaxHeader", &data, |_| {})
    }

    /// The archive with its end.
    pub fn finish(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }

    pub fn apply(self) -> Result<Applied, String> {
        apply(&self.finish())
    }
}

/// A layer that was applied, in a directory with a neighbour that must stay as it is.
pub struct Applied {
    pub root: TempDir,
    pub result: serde_json::Value,
}

impl Applied {
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("layer/fs").join(name)
    }
}

/// Applies an archive. The error is what the engine would be told.
pub fn apply(archive: &[u8]) -> Result<Applied, String> {
    apply_with(Command::new(ENGINE), archive)
}

/// The same by a command that starts the program.
pub fn apply_with(mut engine: Command, archive: &[u8]) -> Result<Applied, String> {
    let root = tempfile::tempdir().unwrap();
    let layer = root.path().join("layer");
    fs::create_dir_all(layer.join("fs")).unwrap();
    fs::set_permissions(layer.join("fs"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(root.path().join("outside"), "untouched").unwrap();
    let input = root.path().join("archive");
    File::create(&input).unwrap().write_all(archive).unwrap();
    let status = engine
        .arg("layer-apply")
        .arg(&layer)
        .env_clear()
        .stdin(File::open(&input).unwrap())
        .stderr(Stdio::inherit())
        .status()
        .unwrap();
    fs::remove_file(input).unwrap();
    assert_only_the_layer_changed(root.path());
    let result: serde_json::Value =
        serde_json::from_slice(&fs::read(layer.join("result.json")).unwrap()).unwrap();
    assert_eq!(status.success(), result.get("Ok").is_some());
    match result.get("Ok") {
        Some(result) => Ok(Applied { root, result: result.clone() }),
        None => Err(result["Err"].as_str().unwrap().to_owned()),
    }
}

fn assert_only_the_layer_changed(root: &Path) {
    let mut names: Vec<_> =
        fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["layer", "outside"]);
    assert_eq!(fs::read(root.join("outside")).unwrap(), b"untouched");
    let mut names: Vec<_> =
        fs::read_dir(root.join("layer")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["fs", "result.json"]);
}
