//! Walks the tar stream: hashes, probes and hands on each program.

use super::elf::Probe;
use super::error::{BundleError, printable};
use super::header::{self, BLOCK, Header, Kind};
use super::limits::Limits;
use super::names::{self, Known, Role};
use super::pipeline::Unpacked;
use super::{Entry, Layout, Machine, Sink};
use crate::digest::Hasher;
use crate::texts::phrases::archive as phrases;

/// What the tar stream held.
pub(super) struct Contents {
    pub(super) entries: Vec<Entry>,
    pub(super) unpacked: u64,
    pub(super) newest_mtime: u64,
}

/// Reads the stream to its end.
pub(super) fn walk(
    stream: &mut Unpacked,
    limits: &Limits,
    sink: &mut (dyn Sink + Send),
) -> Result<Contents, BundleError> {
    let mut walk = Walk {
        stream,
        limits,
        probe: Probe::default(),
        headers: 0,
        seen: Vec::new(),
        contents: Contents { entries: Vec::new(), unpacked: 0, newest_mtime: 0 },
    };
    while let Some((header, at)) = walk.header()? {
        walk.contents.newest_mtime = walk.contents.newest_mtime.max(header.mtime);
        match header.kind {
            Kind::Pax => walk.pax(header.size, at)?,
            Kind::Entry { path, known, mode } => {
                walk.once(&path)?;
                walk.entry(&path, known, mode, header.size, sink)?;
            }
        }
    }
    walk.end()?;
    check_set(&walk.contents.entries)?;
    Ok(walk.contents)
}

struct Walk<'w> {
    stream: &'w mut Unpacked,
    limits: &'w Limits,
    probe: Probe,
    headers: usize,
    seen: Vec<String>,
    contents: Contents,
}

impl Walk<'_> {
    /// The next header and where it lies; `None` at the first block of the end marker.
    fn header(&mut self) -> Result<Option<(Header, u64)>, BundleError> {
        let at = self.stream.offset();
        let block = self.block(phrases::BEFORE_END_MARKER)?;
        if block == [0; BLOCK] {
            return Ok(None);
        }
        self.headers += 1;
        if self.headers > self.limits.entries {
            return Err(BundleError::TooManyEntries { limit: self.limits.entries });
        }
        Ok(Some((header::parse(&block, at)?, at)))
    }

    fn once(&mut self, path: &str) -> Result<(), BundleError> {
        if self.seen.iter().any(|seen| seen == path) {
            return Err(BundleError::Duplicate { name: printable(path.as_bytes()) });
        }
        self.seen.push(path.to_string());
        Ok(())
    }

    fn entry(
        &mut self,
        path: &str,
        known: Known,
        mode: u32,
        size: u64,
        sink: &mut (dyn Sink + Send),
    ) -> Result<(), BundleError> {
        if size > self.limits.file {
            let (name, limit) = (printable(path.as_bytes()), self.limits.file);
            return Err(BundleError::FileTooLarge { name, size, limit });
        }
        match known {
            Known::Directory => {}
            Known::Extra => self.skip(size, path)?,
            Known::Program(name, role) => {
                let entry = self.program(name, role, mode, size, sink)?;
                self.contents.unpacked += size;
                self.contents.entries.push(entry);
            }
        }
        self.padding(size, path)
    }

    fn program(
        &mut self,
        name: &'static str,
        role: Role,
        mode: u32,
        size: u64,
        sink: &mut (dyn Sink + Send),
    ) -> Result<Entry, BundleError> {
        let failed = |source| BundleError::Sink { entry: name.to_string(), source };
        let mut hasher = Hasher::new();
        self.probe.start();
        sink.begin(name, size).map_err(failed)?;
        let mut left = size;
        while left > 0 {
            let bytes = self.stream.next(usize::try_from(left).unwrap_or(usize::MAX))?;
            if bytes.is_empty() {
                return Err(cut_off(self.stream, name));
            }
            hasher.update(bytes);
            self.probe.feed(bytes);
            sink.write(bytes).map_err(failed)?;
            left -= bytes.len() as u64;
        }
        let elf = self
            .probe
            .finish()
            .map_err(|why| BundleError::NotElf { name: name.to_string(), why })?;
        sink.end().map_err(failed)?;
        Ok(Entry { name: name.to_string(), role, sha256: hasher.finish(), size, mode, elf })
    }

    /// Reads a PAX record and refuses what changes the entry after it.
    fn pax(&mut self, size: u64, at: u64) -> Result<(), BundleError> {
        let limit = self.limits.extension;
        if size > limit {
            return Err(BundleError::ExtensionTooLong { size, limit, at });
        }
        let mut records = Vec::new();
        while (records.len() as u64) < size {
            let bytes = self.stream.next(size as usize - records.len())?;
            if bytes.is_empty() {
                return Err(cut_off(self.stream, phrases::A_PAX_RECORD));
            }
            records.extend_from_slice(bytes);
        }
        header::check_pax(&records, at)?;
        self.padding(size, phrases::A_PAX_RECORD)
    }

    /// Takes the zeros that fill a file's last block.
    fn padding(&mut self, size: u64, within: &str) -> Result<(), BundleError> {
        self.skip(size.next_multiple_of(BLOCK as u64) - size, within)
    }

    fn skip(&mut self, size: u64, within: &str) -> Result<(), BundleError> {
        let mut left = size;
        while left > 0 {
            let bytes = self.stream.next(usize::try_from(left).unwrap_or(usize::MAX))?;
            if bytes.is_empty() {
                return Err(cut_off(self.stream, within));
            }
            left -= bytes.len() as u64;
        }
        Ok(())
    }

    /// Takes the second block of the end marker and the zeros after it.
    fn end(&mut self) -> Result<(), BundleError> {
        let at = self.stream.offset();
        if self.block(phrases::IN_END_MARKER)? != [0; BLOCK] {
            return Err(BundleError::DataAfterEnd { at });
        }
        loop {
            let at = self.stream.offset();
            let bytes = self.stream.next(usize::MAX)?;
            if bytes.is_empty() {
                return Ok(());
            }
            if let Some(within) = bytes.iter().position(|byte| *byte != 0) {
                return Err(BundleError::DataAfterEnd { at: at + within as u64 });
            }
        }
    }

    fn block(&mut self, place: &str) -> Result<[u8; BLOCK], BundleError> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            let bytes = self.stream.next(BLOCK - filled)?;
            if bytes.is_empty() {
                let at = self.stream.offset();
                return Err(BundleError::TarTruncated { at, place: place.to_string() });
            }
            block[filled..filled + bytes.len()].copy_from_slice(bytes);
            filled += bytes.len();
        }
        Ok(block)
    }
}

fn cut_off(stream: &Unpacked, within: &str) -> BundleError {
    BundleError::TarTruncated { at: stream.offset(), place: phrases::in_the_middle_of(within) }
}

/// The programs must be one complete set, of one generation, for one architecture.
pub(super) fn check_set(entries: &[Entry]) -> Result<(), BundleError> {
    let mut layouts =
        entries.iter().filter_map(|entry| Some((entry, names::layout_of(&entry.name)?)));
    let first = layouts.next();
    let layout = first.map_or(Layout::Modern, |(_, layout)| layout);
    if let (Some((first, first_layout)), Some((second, second_layout))) =
        (first, layouts.find(|(_, other)| *other != layout))
    {
        let (first, second) = (first.name.clone(), second.name.clone());
        return Err(BundleError::MixedLayouts { first, first_layout, second, second_layout });
    }
    let roles: Vec<Role> = entries.iter().map(|entry| entry.role).collect();
    let missing = names::missing(layout, &roles);
    if !missing.is_empty() {
        return Err(BundleError::Missing { names: missing });
    }
    let says = |entry: &&Entry| entry.elf.machine != Machine::Arm;
    let Some(first) = entries.iter().find(says).or(entries.first()) else { return Ok(()) };
    match entries.iter().find(|entry| !entry.elf.machine.goes_with(first.elf.machine)) {
        None => Ok(()),
        Some(second) => Err(BundleError::MixedMachines {
            first: first.name.clone(),
            first_machine: first.elf.machine,
            second: second.name.clone(),
            second_machine: second.elf.machine,
        }),
    }
}
