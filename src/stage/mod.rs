//! Phase 0: an archive is read once – hashed, inflated, unpacked, each file hashed – and
//! its programs are written beside their targets. Nothing has its final name yet.

mod source;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;

use crate::bundle::format::{self, FormatError};
use crate::bundle::signature::{self, Trust};
use crate::bundle::volumes::VolumeError;
use crate::bundle::{self, Archive, BundleError, Discard, Limits, Sink};
use crate::digest::Digest;
use crate::file_state::new_name;
use crate::host::fault_point::{self, Effect};
use crate::host::staging::StagingDir;
use crate::host::{HostError, input};
use crate::report::{Event, Phase, Reporter};
use crate::texts::phrases::host as phrases;

pub use source::Source;

/// Why an archive was not staged.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The archive is not what it should be.
    Archive {
        /// The archive.
        path: String,
        /// What is wrong with it.
        source: BundleError,
    },
    /// The bundle is not what it should be.
    Bundle {
        /// The bundle.
        path: String,
        /// What is wrong with it.
        source: FormatError,
    },
    /// A volume of the bundle is not what it should be.
    Volume {
        /// The list of volumes.
        path: String,
        /// What is wrong with it.
        source: VolumeError,
    },
    /// The host refused.
    Host(#[from] HostError),
}

/// Which bundle is meant.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'t> {
    /// Who may have signed it.
    pub trust: &'t Trust,
    /// The digest of its manifest, if that was read before.
    pub manifest: Option<Digest>,
}

/// Reads an archive or a bundle without writing anything: for `plan`.
///
/// # Errors
/// [`StageError`] if it cannot be read or is not valid.
pub fn inspect(
    path: &Path,
    expected: &Expected<'_>,
    reporter: &dyn Reporter,
) -> Result<Archive, StageError> {
    read(path, expected, &mut Discard, reporter)
}

/// Reads an archive or a bundle and writes its programs, mode 0600 and on disk when this returns,
/// to the staging directory. After an error the caller removes what is there.
///
/// # Errors
/// [`StageError`] if it cannot be read, is not valid, or cannot be written.
pub fn stage(
    path: &Path,
    expected: &Expected<'_>,
    directory: StagingDir,
    reporter: &dyn Reporter,
) -> Result<Archive, StageError> {
    let interrupt = directory.interrupt().clone();
    let directory_path = format!("{}/", directory.path());
    let mut sink = StagingSink::new(directory);
    let read = read(path, expected, &mut sink, reporter).map_err(|error| match error {
        StageError::Archive { source: BundleError::Sink { entry, source }, .. }
        | StageError::Bundle { source: FormatError::Sink { entry, source }, .. } => {
            HostError::io("write", directory_path.clone() + &new_name(&entry), source).into()
        }
        error => error,
    });
    let synced = sink.finish();
    // Whatever the sink said to stop the reading.
    interrupt.check()?;
    let archive = read?;
    synced.map_err(|source| HostError::io("write", directory_path, source))?;
    Ok(archive)
}

/// How much a gzip file of one member unpacks to, from its last four bytes (RFC 1952,
/// 2.3.1, ISIZE): good for a first look at the space that is needed, and for no more, since
/// anybody can write it and it counts modulo 2³². `None` if it cannot be right.
///
/// # Errors
/// [`HostError::Io`] if the file cannot be read.
pub fn expected_unpacked(path: &Path) -> Result<Option<u64>, HostError> {
    let fail = |source| HostError::io("read", path.to_string_lossy(), source);
    let mut file = input::open(path)?;
    let size = file.metadata().map_err(fail)?.len();
    if size < 18 {
        return Ok(None);
    }
    let mut trailer = [0; 4];
    file.seek(SeekFrom::End(-4)).and_then(|_| file.read_exact(&mut trailer)).map_err(fail)?;
    let unpacked = u64::from(u32::from_le_bytes(trailer));
    Ok((unpacked >= size).then_some(unpacked))
}

/// Whether a file begins as archives that `docker load` takes do: a tar header, or the
/// signature of gzip, bzip2, xz or Zstandard.
///
/// # Errors
/// [`HostError::Io`] if it cannot be read.
pub fn looks_like_archive(path: &Path) -> Result<bool, HostError> {
    const PACKED: [&[u8]; 4] =
        [&[0x1f, 0x8b], b"BZh", &[0xfd, b'7', b'z', b'X', b'Z'], &[0x28, 0xb5, 0x2f, 0xfd]];
    let mut start = Vec::new();
    input::open(path)?
        .take(512)
        .read_to_end(&mut start)
        .map_err(|source| HostError::io("read", path.to_string_lossy(), source))?;
    let is_tar = start.get(257..262) == Some(b"ustar");
    Ok(is_tar || PACKED.iter().any(|signature| start.starts_with(signature)))
}

fn read(
    path: &Path,
    expected: &Expected<'_>,
    sink: &mut (dyn Sink + Send),
    reporter: &dyn Reporter,
) -> Result<Archive, StageError> {
    let source = Source::open(path)?;
    let bytes = Some(source.size());
    reporter.event(&Event::Phase { phase: Phase::Stage, bytes });
    let progress = |read| reporter.event(&Event::Bytes(read));
    if !source.is_bundle()? {
        let path = path.to_string_lossy().into_owned();
        return bundle::read(source.bytes(), &Limits::default(), sink, &progress)
            .map_err(|source| StageError::Archive { path, source });
    }
    let mut check = |head: &format::Head| {
        signature::judge(head, expected.trust)?;
        match expected.manifest {
            Some(seen) if seen != head.sha256() => Err(FormatError::Changed),
            _ => Ok(()),
        }
    };
    format::read(source.bytes(), bytes, &mut check, sink, &progress)
        .map(Archive::from)
        .map_err(|error| source.blame(error))
}

/// Writes programs as they come; a second thread syncs each while the next is written.
struct StagingSink {
    directory: StagingDir,
    current: Option<File>,
    to_sync: Option<mpsc::Sender<File>>,
    syncer: Option<JoinHandle<io::Result<()>>>,
}

impl StagingSink {
    fn new(directory: StagingDir) -> Self {
        let (to_sync, files) = mpsc::channel::<File>();
        let syncer = std::thread::spawn(move || files.iter().try_for_each(|file| file.sync_all()));
        Self { directory, current: None, to_sync: Some(to_sync), syncer: Some(syncer) }
    }

    fn finish(mut self) -> io::Result<()> {
        drop(self.to_sync.take());
        match self.syncer.take().map(JoinHandle::join) {
            Some(Ok(synced)) => synced,
            Some(Err(_)) => Err(io::Error::other(phrases::SYNCING_PANICKED)),
            None => Ok(()),
        }
    }
}

impl Sink for StagingSink {
    fn begin(&mut self, entry_name: &str, _size: u64) -> io::Result<()> {
        self.current = Some(self.directory.create(entry_name)?);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.directory.interrupt().check().map_err(io::Error::other)?;
        fault_point::before(Effect::Grows)?;
        match &mut self.current {
            Some(file) => file.write_all(bytes),
            None => Err(io::Error::other(phrases::NO_FILE_BEGUN)),
        }
    }

    fn end(&mut self) -> io::Result<()> {
        fault_point::before(Effect::Syncs)?;
        if let (Some(file), Some(to_sync)) = (self.current.take(), &self.to_sync) {
            // The receiver only goes away when a sync failed; `finish` reports that.
            let _ = to_sync.send(file);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Silent;
    use crate::steps::testing::Bed;

    /// A file of 1 MiB in the layout of an archive. It is no program; to be asked to end comes
    /// before that is found.
    fn archive() -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let packed = flate2::write::GzEncoder::new(file.reopen().unwrap(), Default::default());
        let mut archive = tar::Builder::new(packed);
        let bytes = vec![7; 1 << 20];
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o755);
        archive.append_data(&mut header, "docker/dockerd", bytes.as_slice()).unwrap();
        archive.into_inner().unwrap().finish().unwrap();
        file
    }

    #[test]
    fn asked_to_end_it_unpacks_no_further() {
        let bed = Bed::new(&["usr/bin"]);
        let archive = archive();
        bed.host.interrupt().set();
        let staging = bed.host.staging_dir("/usr/bin").unwrap();
        let expected = Expected { trust: &Trust::default(), manifest: None };
        let error = stage(archive.path(), &expected, staging, &Silent).unwrap_err();
        assert!(matches!(error, StageError::Host(HostError::Interrupted)), "{error}");
        let staged = bed.host.read_dir("/usr/bin").unwrap();
        assert_eq!(staged.len(), 1, "the file was begun");
        assert_eq!(bed.read(&format!("/usr/bin/{}", staged[0])), "", "and nothing was written");
    }
}
