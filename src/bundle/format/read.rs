//! Reads a whole bundle and checks it against its manifest, file by file.

use std::io::Read;

use super::error::FormatError;
use super::head::{self, Head};
use super::inflate::{self, Unpacked};
use super::manifest::{FileEntry, FileRole};
use super::tar_header::{self, BLOCK};
use crate::bundle::elf::Probe;
use crate::bundle::error::printable;
use crate::bundle::{Entry, Machine, Role, Sink, check_set, names};
use crate::digest::{Digest, Hasher};

/// What was read.
#[derive(Debug, Clone)]
pub struct Contents {
    /// What the bundle says of itself; all of it holds.
    pub head: Head,
    /// Digest of the whole file.
    pub sha256: Digest,
    /// Size of the whole file in bytes.
    pub size: u64,
    /// The engine's programs.
    pub programs: Vec<Entry>,
    /// Plugins of the command line client.
    pub plugins: Vec<Entry>,
}

/// Reads a bundle to its end, checks all that is in it, and hands programs and plugins to `sink`.
///
/// `check` judges the head before anything else is read. `packed` is the size of the file, if it
/// is known. `progress` is called from another thread with the number of bytes read so far.
///
/// # Errors
/// [`FormatError`]; whatever was handed to `sink` may not be used then.
pub fn read<R: Read + Send>(
    input: R,
    packed: Option<u64>,
    check: &mut dyn FnMut(&Head) -> Result<(), FormatError>,
    sink: &mut (dyn Sink + Send),
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Contents, FormatError> {
    let mut input = Hashing { input, hasher: Hasher::new(), size: 0, progress };
    let (head, first) = head::read(&mut input, packed)?;
    check(&head)?;
    let at = head.body_at;
    let ((programs, plugins), input) = inflate::run(input, first, at, |stream| {
        let mut walk = Walk { stream, head: &head, sink, probe: Probe::default() };
        walk.all()
    })?;
    Ok(Contents { sha256: input.hasher.finish(), size: input.size, head, programs, plugins })
}

/// Hashes what is read.
struct Hashing<'p, R> {
    input: R,
    hasher: Hasher,
    size: u64,
    progress: &'p (dyn Fn(u64) + Sync),
}

impl<R: Read> Read for Hashing<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.size += count as u64;
        (self.progress)(self.size);
        Ok(count)
    }
}

struct Walk<'w> {
    stream: &'w mut Unpacked,
    head: &'w Head,
    sink: &'w mut (dyn Sink + Send),
    probe: Probe,
}

impl Walk<'_> {
    fn all(&mut self) -> Result<(Vec<Entry>, Vec<Entry>), FormatError> {
        let (mut programs, mut plugins) = (Vec::new(), Vec::new());
        let head = self.head;
        for (index, file) in head.manifest.files.iter().enumerate() {
            self.header(index)?;
            match (file.role, file.path.rsplit_once('/')) {
                (FileRole::Engine, Some((_, name))) => match names::lookup(&file.path) {
                    Some(names::Known::Program(_, role)) => {
                        programs.push(self.program(file, name, role)?);
                    }
                    // The manifest was checked.
                    _ => return Err(FormatError::Unlisted { name: shown(file) }),
                },
                (FileRole::Plugin, Some((_, name))) => {
                    plugins.push(self.program(file, name, Role::Plugin)?);
                }
                _ => self.contents(file, None)?,
            }
            self.padding(file)?;
        }
        self.end()?;
        if !programs.is_empty() {
            check_set(&programs)?;
        }
        self.check_machines(programs.iter().chain(&plugins))?;
        Ok((programs, plugins))
    }

    /// Takes the header of the file with this index, which has to be exactly the expected one.
    fn header(&mut self, index: usize) -> Result<(), FormatError> {
        let head = self.head;
        let manifest = &head.manifest;
        let at = self.head.body_tar_at + self.stream.offset();
        let file = manifest.files.get(index);
        let block = self.block(file.map_or("", |file| &file.path))?;
        let expected = file.and_then(|file| {
            tar_header::header(&file.path, file.size, file.mode, manifest.time()?)
        });
        match expected {
            Some(expected) if block == expected => Ok(()),
            _ => Err(tar_header::explain(&block, at, &manifest.files, index)),
        }
    }

    fn program(&mut self, file: &FileEntry, name: &str, role: Role) -> Result<Entry, FormatError> {
        let failed = |source| FormatError::Sink { entry: name.to_owned(), source };
        self.probe.start();
        self.sink.begin(name, file.size).map_err(failed)?;
        self.contents(file, Some(name))?;
        let elf = self.probe.finish().map_err(|why| {
            FormatError::Engine(crate::bundle::BundleError::NotElf { name: name.to_owned(), why })
        })?;
        self.sink.end().map_err(failed)?;
        let FileEntry { sha256, size, mode, .. } = *file;
        Ok(Entry { name: name.to_owned(), role, sha256, size, mode, elf })
    }

    /// Takes the bytes of a file and compares their digest with the manifest's. Those of a
    /// program, by its name, are handed on.
    fn contents(&mut self, file: &FileEntry, program: Option<&str>) -> Result<(), FormatError> {
        let mut hasher = Hasher::new();
        let mut left = file.size;
        while left > 0 {
            let bytes = self.stream.next(usize::try_from(left).unwrap_or(usize::MAX))?;
            if bytes.is_empty() {
                return Err(self.truncated(&file.path));
            }
            hasher.update(bytes);
            left -= bytes.len() as u64;
            if let Some(name) = program {
                self.probe.feed(bytes);
                let failed = |source| FormatError::Sink { entry: name.to_owned(), source };
                self.sink.write(bytes).map_err(failed)?;
            }
        }
        let actual = hasher.finish();
        if actual != file.sha256 {
            return Err(FormatError::Digest { name: shown(file), expected: file.sha256, actual });
        }
        Ok(())
    }

    /// Takes the zeros that fill a file's last block.
    fn padding(&mut self, file: &FileEntry) -> Result<(), FormatError> {
        let mut left = tar_header::stored(file.size) - BLOCK as u64 - file.size;
        while left > 0 {
            let bytes = self.stream.next(left as usize)?;
            if bytes.is_empty() {
                return Err(self.truncated(&file.path));
            }
            if bytes.iter().any(|byte| *byte != 0) {
                return Err(FormatError::Padding { name: shown(file) });
            }
            left -= bytes.len() as u64;
        }
        Ok(())
    }

    /// Takes the two blocks of zeros at the end.
    fn end(&mut self) -> Result<(), FormatError> {
        let head = self.head;
        let files = &head.manifest.files;
        let at = self.head.body_tar_at + self.stream.offset();
        let block = self.block("")?;
        if block != [0; BLOCK] {
            return Err(tar_header::explain(&block, at, files, files.len()));
        }
        let at = at + BLOCK as u64;
        if self.block("")? != [0; BLOCK] || !self.stream.next(1)?.is_empty() {
            return Err(FormatError::DataAfterEnd { at });
        }
        Ok(())
    }

    fn block(&mut self, within: &str) -> Result<[u8; BLOCK], FormatError> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            let bytes = self.stream.next(BLOCK - filled)?;
            if bytes.is_empty() {
                return Err(self.truncated(within));
            }
            block[filled..filled + bytes.len()].copy_from_slice(bytes);
            filled += bytes.len();
        }
        Ok(block)
    }

    fn truncated(&self, within: &str) -> FormatError {
        let at = self.head.body_tar_at + self.stream.offset();
        FormatError::TarTruncated { at, within: printable(within.as_bytes()) }
    }

    /// Programs must be for the machine that the manifest names.
    fn check_machines<'e>(
        &self,
        mut programs: impl Iterator<Item = &'e Entry>,
    ) -> Result<(), FormatError> {
        let stated = &self.head.manifest.architecture;
        let other = programs.find(|entry| {
            // Some programs for 32-bit Arm do not say which.
            entry.elf.machine != Machine::Arm && entry.elf.machine.to_string() != *stated
        });
        match other {
            None => Ok(()),
            Some(entry) => Err(FormatError::Architecture {
                stated: printable(stated.as_bytes()),
                found: entry.elf.machine.to_string(),
            }),
        }
    }
}

fn shown(file: &FileEntry) -> String {
    printable(file.path.as_bytes())
}
