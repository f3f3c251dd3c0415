//! Unpacking a layer, in a process of its own that sees nothing but the layer's directory.
//!
//! The process changes its root to that directory first. However hostile the archive is, its names,
//! links and whiteouts then mean something inside of it, and a fault in the unpacking of data
//! harms no more. The engine's program calls [`apply_layer`] when it is started as
//! [`super::Helper`] says, before it starts any thread.

mod confine;
mod entry;
mod path;
mod tree;

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read},
    path::Path,
    process::ExitCode,
};

use serde::{Deserialize, Serialize};

pub(crate) use path::clean;

use super::{Digest, compression::decompress, digest::Hashing, tar::TarReader};
use tree::Tree;

/// The layer's files, in the layer's directory.
pub(crate) const FS: &str = "fs";

/// What came out, beside them.
pub(crate) const RESULT: &str = "result.json";

/// Later times of directories, while the layer is applied.
const TIMES: &str = "times";

/// What is known of an applied layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// The digest of the archive, unpacked.
    pub(crate) diff_id: Digest,
    /// Bytes of all files.
    pub(crate) bytes: u64,
    /// Whether it hides all layers below: overlay cannot say that of a layer's root.
    #[serde(default)]
    pub(crate) hides_all: bool,
}

/// Applies the layer on standard input to `directory`, which has an empty `fs` and gets a
/// `result.json`. The process is of no use for anything else afterwards.
pub fn apply_layer(directory: &Path) -> ExitCode {
    // Nobody reads what is written anywhere else.
    let Ok(result) = File::create_new(directory.join(RESULT)) else { return ExitCode::from(2) };
    let outcome = confined(directory);
    let written = serde_json::to_writer(&result, &outcome).is_ok();
    match outcome {
        Ok(_) if written => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn confined(directory: &Path) -> Result<Outcome, String> {
    let times = directory.join(TIMES);
    let file = File::options().read(true).write(true).create_new(true).open(&times);
    let file = file.and_then(|file| fs::remove_file(&times).map(|()| file));
    let times = file.map_err(|error| format!("cannot make {}: {error}", times.display()))?;
    confine::to(&directory.join(FS)).map_err(|error| format!("cannot be confined: {error}"))?;
    unpack(io::stdin().lock(), times)
}

/// Unpacks an archive into the root directory.
fn unpack(archive: impl Read, times: File) -> Result<Outcome, String> {
    let archive = decompress(archive).map_err(|error| error.to_string())?;
    let mut reader = TarReader::new(Hashing::new(archive));
    let mut tree = Tree::new(times);
    while let Some(entry) = reader.next_entry().map_err(|error| error.to_string())? {
        tree.add(&entry, &mut reader)
            .map_err(|error| format!("{}: {error}", shown(&entry.path)))?;
    }
    let (bytes, hides_all) = tree.finish().map_err(|error| error.to_string())?;
    // The digest is of everything, padding included.
    let mut rest = reader.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(|error| error.to_string())?;
    Ok(Outcome { diff_id: rest.digest(), bytes, hides_all })
}

/// A name for people: quoted, and not without end.
fn shown(name: &[u8]) -> String {
    const LONGEST: usize = 200;
    let cut = &name[..name.len().min(LONGEST)];
    format!("\"{}{}\"", cut.escape_ascii(), if name.len() > LONGEST { "…" } else { "" })
}

/// Something that takes many small writes.
type Spill = BufWriter<File>;
