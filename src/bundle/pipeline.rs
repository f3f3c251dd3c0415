//! Reading, decompressing and consuming on three threads.
//!
//! Decompression is the slowest part and cannot be split for a single gzip stream, so its
//! thread does nothing else: one thread reads and hashes the compressed bytes, one
//! decompresses, and the caller's thread takes the result. Buffers go round in a circle; their
//! number bounds the memory. An error travels downstream in place of a buffer, so that the
//! caller meets what went wrong in the order of the bytes.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::error::BundleError;
use super::gunzip::Gunzip;
use super::limits::Limits;
use crate::digest::{Digest, Hasher};

/// How large the buffers are, in bytes, and how many go round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Buffers {
    pub(super) packed: usize,
    pub(super) unpacked: usize,
    pub(super) count: usize,
}

impl Default for Buffers {
    /// 3 MiB in all; four times that gains less than 4 %, a quarter costs 25 %.
    fn default() -> Self {
        Self { packed: 256 << 10, unpacked: 512 << 10, count: 4 }
    }
}

/// The file as it was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed {
    pub(super) sha256: Digest,
    pub(super) size: u64,
}

struct Chunk {
    bytes: Box<[u8]>,
    filled: usize,
}

type Message = Result<Chunk, BundleError>;

/// Unpacks `input` to its end and gives the unpacked bytes to `consume`, which must take them
/// all. `progress` is told, from another thread, how many bytes of `input` have been read.
pub(super) fn run<R, T>(
    input: R,
    limits: &Limits,
    buffers: Buffers,
    progress: &(dyn Fn(u64) + Sync),
    consume: impl FnOnce(&mut Unpacked) -> Result<T, BundleError>,
) -> Result<(T, Packed), BundleError>
where
    R: Read + Send,
{
    let (packed, packed_in) = sync_channel(buffers.count);
    let (packed_free, packed_free_in) = circle(buffers.count, buffers.packed);
    let (unpacked, unpacked_in) = sync_channel(buffers.count);
    let (unpacked_free, unpacked_free_in) = circle(buffers.count, buffers.unpacked);

    thread::scope(|scope| {
        let reader = thread::Builder::new()
            .name("bundle-read".into())
            .spawn_scoped(scope, move || {
                read(input, limits.total, progress, &packed_free_in, &packed)
            })
            .map_err(BundleError::Thread)?;
        thread::Builder::new()
            .name("bundle-inflate".into())
            .spawn_scoped(scope, move || {
                let ends = Ends {
                    packed: packed_in,
                    packed_free,
                    unpacked_free: unpacked_free_in,
                    unpacked,
                };
                decompress(limits, &ends);
            })
            .map_err(BundleError::Thread)?;

        let mut source = Unpacked {
            chunks: unpacked_in,
            free: unpacked_free,
            current: None,
            taken: 0,
            offset: 0,
        };
        let consumed = consume(&mut source).and_then(|value| {
            let left = source.next(1)?.len() as u64;
            debug_assert_eq!(left, 0, "the consumer takes all");
            Ok(value)
        });
        // Lets the other threads end if they have not.
        drop(source);
        let read = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        match (consumed?, read) {
            (value, Some(packed)) => Ok((value, packed)),
            // Not reached: without an error downstream, the reader came to the end.
            (_, None) => Err(BundleError::Read(io::ErrorKind::UnexpectedEof.into())),
        }
    })
}

/// A channel on which `count` fresh buffers wait to be used.
fn circle(count: usize, size: usize) -> (SyncSender<Chunk>, Receiver<Chunk>) {
    let (sender, receiver) = sync_channel(count);
    for _ in 0..count {
        // Holds `count` chunks by construction: never blocks, never fails.
        let _ = sender.send(Chunk { bytes: vec![0; size].into_boxed_slice(), filled: 0 });
    }
    (sender, receiver)
}

/// Reads and hashes the file. `None` if it stopped early: on an error, which it has sent on, or
/// because nobody wants more.
fn read(
    mut input: impl Read,
    limit: u64,
    progress: &(dyn Fn(u64) + Sync),
    free: &Receiver<Chunk>,
    out: &SyncSender<Message>,
) -> Option<Packed> {
    let mut hasher = Hasher::new();
    let mut size = 0;
    loop {
        let mut chunk = free.recv().ok()?;
        let error = match fill(&mut input, &mut chunk.bytes) {
            Ok(0) => return Some(Packed { sha256: hasher.finish(), size }),
            Ok(filled) if size + filled as u64 <= limit => {
                chunk.filled = filled;
                hasher.update(&chunk.bytes[..filled]);
                size += filled as u64;
                progress(size);
                out.send(Ok(chunk)).ok()?;
                continue;
            }
            Ok(_) => BundleError::TooLarge { limit },
            Err(error) => BundleError::Read(error),
        };
        out.send(Err(error)).ok()?;
        return None;
    }
}

/// Fills `buffer` as far as the input goes.
pub(super) fn fill(input: &mut (impl Read + ?Sized), buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// What the decompressing thread holds of the two circles.
struct Ends {
    packed: Receiver<Message>,
    packed_free: SyncSender<Chunk>,
    unpacked_free: Receiver<Chunk>,
    unpacked: SyncSender<Message>,
}

fn decompress(limits: &Limits, ends: &Ends) {
    match decompress_all(limits, ends) {
        Ok(()) => {}
        // If nobody listens any more, nobody needs to know.
        Err(error) => drop(ends.unpacked.send(Err(error))),
    }
}

/// Ends without an error when all is done, and also when nobody wants more.
fn decompress_all(limits: &Limits, ends: &Ends) -> Result<(), BundleError> {
    let mut gunzip = Gunzip::new(limits);
    let Ok(mut out) = ends.unpacked_free.recv() else { return Ok(()) };
    out.filled = 0;
    while let Ok(message) = ends.packed.recv() {
        let packed = message?;
        let mut used = 0;
        loop {
            let step =
                gunzip.step(&packed.bytes[used..packed.filled], &mut out.bytes[out.filled..])?;
            used += step.consumed;
            out.filled += step.produced;
            // A full buffer may mean that there is more to come from the same input.
            if out.filled == out.bytes.len() {
                if ends.unpacked.send(Ok(out)).is_err() {
                    return Ok(());
                }
                let Ok(next) = ends.unpacked_free.recv() else { return Ok(()) };
                out = Chunk { filled: 0, ..next };
            } else if used == packed.filled {
                break;
            }
        }
        // Not wanted any more if the reader is done.
        let _ = ends.packed_free.send(packed);
    }
    gunzip.finish()?;
    if out.filled > 0 {
        let _ = ends.unpacked.send(Ok(out));
    }
    Ok(())
}

/// The unpacked bytes, in order.
pub(super) struct Unpacked {
    chunks: Receiver<Message>,
    free: SyncSender<Chunk>,
    current: Option<Chunk>,
    taken: usize,
    offset: u64,
}

impl Unpacked {
    /// How many bytes have been taken.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes the next bytes: at least one and at most `most` (which is not 0), or none at the end.
    pub(super) fn next(&mut self, most: usize) -> Result<&[u8], BundleError> {
        if self.current.as_ref().is_none_or(|chunk| self.taken == chunk.filled) {
            if let Some(done) = self.current.take() {
                // Not wanted any more if decompression is done.
                let _ = self.free.send(done);
            }
            match self.chunks.recv() {
                Ok(message) => self.current = Some(message?),
                Err(_) => return Ok(&[]),
            }
            self.taken = 0;
        }
        let Some(chunk) = &self.current else { return Ok(&[]) };
        let end = chunk.filled.min(self.taken.saturating_add(most));
        let bytes = &chunk.bytes[self.taken..end];
        self.taken = end;
        self.offset += bytes.len() as u64;
        Ok(bytes)
    }
}
