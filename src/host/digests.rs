//! Hashing many files at once.

use std::fs::File;
use std::sync::Mutex;

use super::HostError;
use crate::digest::Digest;

/// Most threads that hash: more would only wait for the disk.
const THREADS: usize = 4;

/// A file to be hashed.
#[derive(Debug)]
pub struct OpenFile {
    /// Its path on the host, for the answer.
    pub path: String,
    /// Its size in bytes, to begin with the largest.
    pub size: u64,
    /// The file, at its start.
    pub file: File,
}

/// The digests of `files`, each with its path, in no particular order. Uses as many threads
/// as the process has processors, at most four.
///
/// # Errors
/// [`HostError::Io`] for a file that cannot be read.
pub fn digest_all(mut files: Vec<OpenFile>) -> Result<Vec<(String, Digest)>, HostError> {
    files.sort_by_key(|open| open.size);
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = processors.min(THREADS).min(files.len());
    let queue = Mutex::new(files);
    let results = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(&queue))).collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().map(join).collect::<Result<Vec<Vec<_>>, HostError>>()
    })?;
    Ok(results.into_iter().flatten().collect())
}

fn work(queue: &Mutex<Vec<OpenFile>>) -> Result<Vec<(String, Digest)>, HostError> {
    let mut digests = Vec::new();
    while let Some(open) = next(queue) {
        let digest = Digest::of_reader(open.file)
            .map_err(|source| HostError::io("read", open.path.clone(), source))?;
        digests.push((open.path, digest));
    }
    Ok(digests)
}

fn next(queue: &Mutex<Vec<OpenFile>>) -> Option<OpenFile> {
    // The lock is only held to take one: a thread that panicked has left the list whole.
    queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::file_state::Ownership;
    use crate::host::Host;

    #[test]
    fn each_file_has_its_own_digest() {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::at(dir.path()).unwrap();
        let own =
            Ownership { mode: 0o644, uid: host.uid(), gid: rustix::process::getegid().as_raw() };
        let contents: BTreeMap<String, Vec<u8>> = (0..9)
            .map(|index| (format!("/file{index}"), vec![index; 1000 * usize::from(index)]))
            .collect();
        let open = contents.iter().map(|(path, bytes)| {
            host.write_file(path, bytes, own).unwrap();
            let file = host.open_file(path).unwrap().unwrap();
            OpenFile { path: path.clone(), size: bytes.len() as u64, file }
        });
        let digests: BTreeMap<String, Digest> =
            digest_all(open.collect()).unwrap().into_iter().collect();
        let expected = contents.into_iter().map(|(path, bytes)| (path, Digest::of(&bytes)));
        assert_eq!(digests, expected.collect());
    }

    #[test]
    fn nothing_to_do() {
        assert!(digest_all(Vec::new()).unwrap().is_empty());
    }
}
