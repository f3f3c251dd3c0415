//! Writes a bundle: packs on all processors, and the same bytes for the same input.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::head::Head;
use super::index::Reader;
use super::inflate::threads;
use super::manifest::{FileEntry, Manifest};
use super::member;
use super::tar_header::{self, BLOCK};
use super::{MANIFEST, MANIFEST_LIMIT, MEMBER, SIGNATURE};
use crate::digest::{Digest, Hasher};

/// Why a bundle was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A source could not be read.
    Read {
        /// Its path in the bundle.
        name: String,
        /// What the system answered.
        #[source]
        source: io::Error,
    },
    /// The bundle could not be written.
    Write(#[source] io::Error),
    /// A source is not what it was when it was looked at.
    Changed {
        /// Its path in the bundle.
        name: String,
    },
    /// A name too long for a tar header.
    NameTooLong {
        /// The name.
        name: String,
    },
    /// The manifest is longer than readers accept.
    ManifestTooLarge {
        /// Its length in bytes.
        size: u64,
    },
    /// The manifest cannot be written down.
    Manifest(#[source] serde_json::Error),
    /// It was not signed.
    Sign(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Signs the text of a manifest.
pub type Signer<'s> = &'s dyn Fn(&[u8]) -> Result<String, Box<dyn std::error::Error + Send + Sync>>;

/// What goes into a bundle.
#[derive(Clone)]
pub struct Item {
    /// What the manifest says of it.
    pub entry: FileEntry,
    /// Where its bytes are.
    pub bytes: Reader,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Digest of the file.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// Writes a bundle. The manifest's files are those of `items`, which this puts in order.
/// `progress` is told how many bytes of them have been packed.
///
/// # Errors
/// [`WriteError`]; what was written by then is no bundle.
pub fn write(
    out: &mut dyn Write,
    mut manifest: Manifest,
    signer: Option<Signer<'_>>,
    mut items: Vec<Item>,
    progress: &dyn Fn(u64),
) -> Result<Written, WriteError> {
    items.sort_by(|a, b| (a.entry.role, &a.entry.path).cmp(&(b.entry.role, &b.entry.path)));
    manifest.files = items.iter().map(|item| item.entry.clone()).collect();
    let mut text = serde_json::to_vec_pretty(&manifest).map_err(WriteError::Manifest)?;
    text.push(b'\n');
    if text.len() as u64 > MANIFEST_LIMIT {
        return Err(WriteError::ManifestTooLarge { size: text.len() as u64 });
    }
    let mtime = manifest.time().unwrap_or_default();
    let mut out = Hashing { out, hasher: Hasher::new(), size: 0 };
    out.member(&member_of(MANIFEST, &text, mtime)?)?;
    if let Some(signer) = signer {
        let signature = signer(&text).map_err(WriteError::Sign)?;
        out.member(&member_of(SIGNATURE, signature.as_bytes(), mtime)?)?;
    }
    pack_all(&mut out, &items, mtime, progress)?;
    Ok(Written { sha256: out.hasher.finish(), size: out.size })
}

/// Writes the bundle of this head and body again, with another signature or without one. All
/// else stays as it is, byte by byte.
///
/// # Errors
/// [`WriteError`]; what was written by then is no bundle.
pub fn resign(
    out: &mut dyn Write,
    head: &Head,
    bundle: &Reader,
    signature: Option<&str>,
) -> Result<Written, WriteError> {
    let mut out = Hashing { out, hasher: Hasher::new(), size: 0 };
    let from = |at| Reader { source: bundle.source.clone(), at };
    out.copy(&mut from(0).take(head.manifest_packed))?;
    if let Some(signature) = signature {
        let mtime = head.manifest.time().unwrap_or_default();
        out.member(&member_of(SIGNATURE, signature.as_bytes(), mtime)?)?;
    }
    out.copy(&mut from(head.body_at))?;
    Ok(Written { sha256: out.hasher.finish(), size: out.size })
}

/// A file that has a member of its own.
fn member_of(name: &str, bytes: &[u8], mtime: u64) -> Result<Vec<u8>, WriteError> {
    let mut tar = header(name, bytes.len() as u64, 0o644, mtime)?.to_vec();
    tar.extend(bytes);
    tar.resize(tar_header::stored(bytes.len() as u64) as usize, 0);
    member::pack(&tar).map_err(WriteError::Write)
}

fn header(name: &str, size: u64, mode: u32, mtime: u64) -> Result<[u8; BLOCK], WriteError> {
    tar_header::header(name, size, mode, mtime)
        .ok_or_else(|| WriteError::NameTooLong { name: name.to_owned() })
}

type Job = (Vec<u8>, SyncSender<io::Result<Vec<u8>>>);

fn pack_all(
    out: &mut Hashing<'_>,
    items: &[Item],
    mtime: u64,
    progress: &dyn Fn(u64),
) -> Result<(), WriteError> {
    let threads = threads();
    let (jobs, work) = sync_channel::<Job>(threads);
    let work = Mutex::new(work);
    thread::scope(|scope| {
        for _ in 0..threads {
            let work = &work;
            let builder = thread::Builder::new().name("bundle-deflate".into());
            builder.spawn_scoped(scope, move || pack(work)).map_err(WriteError::Write)?;
        }
        // Dropped at the end of this block, which ends the threads.
        let mut chunks =
            Chunks { out, jobs, line: VecDeque::new(), chunk: Vec::new(), depth: threads + 1 };
        let mut packed = 0;
        for item in items {
            let entry = &item.entry;
            chunks.take(&header(&entry.path, entry.size, entry.mode, mtime)?)?;
            chunks.file(item, &mut |count| {
                packed += count;
                progress(packed);
            })?;
            let padding = tar_header::stored(entry.size) - BLOCK as u64 - entry.size;
            chunks.take(&[0; BLOCK][..padding as usize])?;
        }
        chunks.take(&[0; 2 * BLOCK])?;
        chunks.finish()
    })
}

fn pack(work: &Mutex<Receiver<Job>>) {
    loop {
        let job = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((bytes, done)) = job else { return };
        // Not wanted any more if writing failed.
        let _ = done.send(member::pack(&bytes));
    }
}

/// Cuts the tar stream into pieces, has them packed, and writes them in order.
struct Chunks<'c, 'o> {
    out: &'c mut Hashing<'o>,
    jobs: SyncSender<Job>,
    line: VecDeque<Receiver<io::Result<Vec<u8>>>>,
    chunk: Vec<u8>,
    depth: usize,
}

impl Chunks<'_, '_> {
    fn take(&mut self, mut bytes: &[u8]) -> Result<(), WriteError> {
        while !bytes.is_empty() {
            let count = bytes.len().min(MEMBER - self.chunk.len());
            self.chunk.extend(&bytes[..count]);
            bytes = &bytes[count..];
            if self.chunk.len() == MEMBER {
                self.send()?;
            }
        }
        Ok(())
    }

    /// Takes a whole file, which has to be what its entry says.
    fn file(&mut self, item: &Item, progress: &mut dyn FnMut(u64)) -> Result<(), WriteError> {
        let name = || item.entry.path.clone();
        let mut hasher = Hasher::new();
        let mut input = item.bytes.clone().take(item.entry.size);
        let mut buffer = vec![0; 256 << 10];
        let mut left = item.entry.size;
        loop {
            match input.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    hasher.update(&buffer[..count]);
                    left -= count as u64;
                    self.take(&buffer[..count])?;
                    progress(count as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(WriteError::Read { name: name(), source }),
            }
        }
        if left > 0 || hasher.finish() != item.entry.sha256 {
            return Err(WriteError::Changed { name: name() });
        }
        Ok(())
    }

    fn send(&mut self) -> Result<(), WriteError> {
        let (done, place) = sync_channel(1);
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(MEMBER));
        // The threads end when this end is dropped, and not before.
        let _ = self.jobs.send((chunk, done));
        self.line.push_back(place);
        if self.line.len() > self.depth { self.write_next() } else { Ok(()) }
    }

    fn write_next(&mut self) -> Result<(), WriteError> {
        let Some(place) = self.line.pop_front() else { return Ok(()) };
        // Without an answer the thread panicked, and so does the scope.
        let packed = place.recv().map_err(|error| WriteError::Write(io::Error::other(error)))?;
        self.out.member(&packed.map_err(WriteError::Write)?)
    }

    fn finish(mut self) -> Result<(), WriteError> {
        if !self.chunk.is_empty() {
            self.send()?;
        }
        while !self.line.is_empty() {
            self.write_next()?;
        }
        Ok(())
    }
}

/// Hashes and counts what is written.
struct Hashing<'o> {
    out: &'o mut dyn Write,
    hasher: Hasher,
    size: u64,
}

impl Hashing<'_> {
    fn member(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.out.write_all(bytes).map_err(WriteError::Write)?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn copy(&mut self, input: &mut dyn Read) -> Result<(), WriteError> {
        let mut buffer = vec![0; 1 << 20];
        loop {
            let failed = |source| WriteError::Read { name: String::new(), source };
            match input.read(&mut buffer).map_err(failed)? {
                0 => return Ok(()),
                count => self.member(&buffer[..count])?,
            }
        }
    }
}
