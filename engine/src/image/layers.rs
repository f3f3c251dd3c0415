//! Unpacked layers, each once, under the digest of its unpacked archive.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    Digest, ImageError,
    apply::{FS, Outcome, RESULT},
    blobs,
    durable::{self, Scratch},
};

/// The program that applies layers: with [`Helper::SUBCOMMAND`] and a layer's directory it must
/// call [`super::apply_layer`] in a process with one thread.
#[derive(Debug, Clone)]
pub struct Helper {
    /// The program.
    pub program: PathBuf,
}

impl Helper {
    /// The subcommand by which an engine's program applies a layer.
    pub const SUBCOMMAND: &'static str = "layer-apply";

    /// The program that runs.
    pub fn this_program() -> Self {
        Self { program: "/proc/self/exe".into() }
    }
}

/// `layers/<diff ID>/fs`, and short links to them in `l`: the options of a mount have one page.
#[derive(Debug)]
pub(crate) struct Layers {
    directory: PathBuf,
    links: PathBuf,
    scratch: PathBuf,
    helper: Helper,
}

impl Layers {
    pub(crate) fn open(root: &Path, scratch: &Path, helper: Helper) -> Result<Self, ImageError> {
        let (directory, links) = (root.join("layers"), root.join("l"));
        for path in [&directory, &links] {
            durable::create_directory(path)
                .map_err(ImageError::io(format!("make {}", path.display())))?;
        }
        Ok(Self { directory, links, scratch: scratch.to_owned(), helper })
    }

    pub(crate) fn contains(&self, diff_id: &Digest) -> bool {
        durable::kind(&self.path(diff_id)).is_some()
    }

    /// Unpacks an archive, compressed or not, whose unpacked bytes must have the digest `diff_id`.
    pub(crate) fn apply(&self, archive: File, diff_id: &Digest) -> Result<(), ImageError> {
        let what = format!("the layer {diff_id}");
        let scratch = Scratch::create_in(&self.scratch)
            .map_err(ImageError::io(format!("make a directory for {what}")))?;
        let outcome = self.run_helper(archive, scratch.path(), &what)?;
        if outcome.diff_id != *diff_id {
            return Err(ImageError::WrongDigest {
                what: "a layer".into(),
                expected: *diff_id,
                found: outcome.diff_id,
            });
        }
        let keep = || -> std::io::Result<()> {
            // Its files were not synced one by one.
            rustix::fs::syncfs(File::open(scratch.path())?)?;
            let path = self.path(diff_id);
            match fs::rename(scratch.path(), &path) {
                // Another thread was quicker with the same layer.
                Err(_) if durable::kind(&path).is_some() => Ok(()),
                other => other.and_then(|()| durable::sync_parent(&path)),
            }
        };
        keep().map_err(ImageError::io(format!("keep {what}")))
    }

    /// Directories for `lowerdir`, lowest first. An archive that occurs more than once counts
    /// where it is highest: everything that it has, hides or opens anew lower down is had, hidden
    /// or opened anew there again, and overlay refuses a directory that it has already.
    pub(crate) fn stack(&self, diff_ids: &[Digest]) -> Result<Vec<PathBuf>, ImageError> {
        let mut seen = BTreeSet::new();
        let mut stack = Vec::new();
        for diff_id in diff_ids.iter().rev().filter(|diff_id| seen.insert(**diff_id)) {
            stack.push(self.link(diff_id)?);
            if read_outcome(&self.path(diff_id), &format!("the layer {diff_id}"))?.hides_all {
                break;
            }
        }
        stack.reverse();
        Ok(stack)
    }

    /// Bytes of a layer's files.
    pub(crate) fn bytes(&self, diff_id: &Digest) -> Result<u64, ImageError> {
        Ok(read_outcome(&self.path(diff_id), &format!("the layer {diff_id}"))?.bytes)
    }

    pub(crate) fn list(&self) -> Result<Vec<Digest>, ImageError> {
        blobs::names(&self.directory)
    }

    pub(crate) fn remove(&self, diff_id: &Digest) -> Result<(), ImageError> {
        let remove = || -> std::io::Result<()> {
            for entry in fs::read_dir(&self.links)? {
                let entry = entry?;
                if fs::read_link(entry.path())? == Self::target(diff_id) {
                    fs::remove_file(entry.path())?;
                }
            }
            // At once out of sight, so that half a layer is never taken for one.
            let grave = Scratch::create_in(&self.scratch)?;
            fs::rename(self.path(diff_id), grave.path().join("layer"))
        };
        remove().map_err(ImageError::io(format!("remove the layer {diff_id}")))
    }

    fn path(&self, diff_id: &Digest) -> PathBuf {
        self.directory.join(diff_id.hex())
    }

    fn target(diff_id: &Digest) -> PathBuf {
        Path::new("../layers").join(diff_id.hex()).join(FS)
    }

    /// The short link to a layer, made when it is first asked for.
    fn link(&self, diff_id: &Digest) -> Result<PathBuf, ImageError> {
        if !self.contains(diff_id) {
            return Err(ImageError::Missing(*diff_id));
        }
        let (hex, target) = (diff_id.hex(), Self::target(diff_id));
        // 16 digits can be met by who tries hard enough; then it is more of them.
        for digits in [16, 32, 64] {
            let path = self.links.join(&hex[..digits]);
            match symlink(&target, &path) {
                Ok(()) => return Ok(path),
                Err(_) if fs::read_link(&path).is_ok_and(|found| found == target) => {
                    return Ok(path);
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(ImageError::io(format!("make {}", path.display()))(error));
                }
            }
        }
        Err(ImageError::invalid("the directory of links", "all names of a layer are taken"))
    }

    fn run_helper(
        &self,
        archive: File,
        directory: &Path,
        what: &str,
    ) -> Result<Outcome, ImageError> {
        let files = directory.join(FS);
        fs::create_dir(&files)
            .and_then(|()| fs::set_permissions(&files, fs::Permissions::from_mode(0o755)))
            .map_err(ImageError::io(format!("make {}", files.display())))?;
        let output = Command::new(&self.helper.program)
            .arg(Helper::SUBCOMMAND)
            .arg(directory)
            .env_clear()
            .stdin(archive)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let status = output.map_err(ImageError::io(format!(
            "run {} to apply a layer",
            self.helper.program.display()
        )))?;
        if durable::kind(&directory.join(RESULT)).is_none() {
            let why = format!("the process that applies it ended without a result ({status})");
            return Err(ImageError::invalid(what, why));
        }
        read_outcome(directory, what)
    }
}

fn read_outcome(directory: &Path, what: &str) -> Result<Outcome, ImageError> {
    let path = directory.join(RESULT);
    let bytes = fs::read(&path).map_err(ImageError::io(format!("read {}", path.display())))?;
    match serde_json::from_slice(&bytes) {
        Ok(Ok(outcome)) => Ok(outcome),
        Ok(Err(why)) => {
            let why: String = why;
            Err(ImageError::invalid(what, why))
        }
        Err(error) => Err(ImageError::invalid(path.display().to_string(), error)),
    }
}
