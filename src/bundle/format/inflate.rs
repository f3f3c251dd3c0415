//! Unpacking members on all processors, in order.
//!
//! One thread reads and hashes, several unpack, the caller's takes the result. Each member has a
//! place of its own in the line; the line's length bounds the memory.

use std::io::Read;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::error::FormatError;
use super::member::{self, Bound, Packed};

type Unpack = Result<Vec<u8>, FormatError>;
type Place = Result<Receiver<Unpack>, FormatError>;

/// How many threads unpack or pack.
pub(super) fn threads() -> usize {
    thread::available_parallelism().map_or(2, |count| count.get().clamp(2, 8))
}

/// Unpacks the members of `input`, which go on at `at`, after `first` if that was read already.
/// `consume` must take all. Gives the input back.
pub(super) fn run<R: Read + Send, T>(
    input: R,
    first: Option<Packed>,
    at: u64,
    consume: impl FnOnce(&mut Unpacked) -> Result<T, FormatError>,
) -> Result<(T, R), FormatError> {
    let threads = threads();
    let (line, places) = sync_channel::<Place>(threads);
    let (jobs, work) = sync_channel::<(Packed, SyncSender<Unpack>)>(threads);
    let work = Mutex::new(work);
    thread::scope(|scope| {
        let reader = thread::Builder::new()
            .name("bundle-read".into())
            .spawn_scoped(scope, move || read(input, first, at, &line, &jobs))
            .map_err(FormatError::Thread)?;
        for _ in 0..threads {
            let work = &work;
            thread::Builder::new()
                .name("bundle-inflate".into())
                .spawn_scoped(scope, move || unpack(work))
                .map_err(FormatError::Thread)?;
        }
        let mut unpacked = Unpacked { places, current: Vec::new(), taken: 0, offset: 0 };
        let consumed = consume(&mut unpacked);
        // Lets the other threads end if they have not.
        drop(unpacked);
        let input = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((consumed?, input))
    })
}

/// Ends when all is read, on an error, or when nobody wants more.
fn read<R: Read>(
    mut input: R,
    first: Option<Packed>,
    mut at: u64,
    line: &SyncSender<Place>,
    jobs: &SyncSender<(Packed, SyncSender<Unpack>)>,
) -> R {
    let mut next = Ok(first);
    loop {
        match next {
            Ok(Some(member)) => {
                at = member.at + member.bytes.len() as u64;
                let (done, place) = sync_channel(1);
                if line.send(Ok(place)).is_err() || jobs.send((member, done)).is_err() {
                    return input;
                }
            }
            // The first one may have been read already, or not.
            Ok(None) => {}
            Err(error) => {
                // If nobody listens any more, nobody needs to know.
                let _ = line.send(Err(error));
                return input;
            }
        }
        next = match member::next(&mut input, at, Bound::USUAL) {
            Ok(None) => return input,
            other => other,
        };
    }
}

fn unpack(work: &Mutex<Receiver<(Packed, SyncSender<Unpack>)>>) {
    loop {
        let job = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((member, done)) = job else { return };
        // Not wanted any more if the consumer met an error.
        let _ = done.send(member.unpack(Bound::USUAL));
    }
}

/// The unpacked bytes, in order.
pub(super) struct Unpacked {
    places: Receiver<Place>,
    current: Vec<u8>,
    taken: usize,
    offset: u64,
}

impl Unpacked {
    /// How many bytes have been taken.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes the next bytes: at least one and at most `most` (which is not 0), or none at the end.
    pub(super) fn next(&mut self, most: usize) -> Result<&[u8], FormatError> {
        while self.taken == self.current.len() {
            let Ok(place) = self.places.recv() else { return Ok(&[]) };
            // The worker answers each job; without an answer it panicked, and so does the scope.
            let Ok(unpacked) = place?.recv() else { return Ok(&[]) };
            (self.current, self.taken) = (unpacked?, 0);
        }
        let end = self.current.len().min(self.taken.saturating_add(most));
        let bytes = &self.current[self.taken..end];
        self.taken = end;
        self.offset += bytes.len() as u64;
        Ok(bytes)
    }
}
