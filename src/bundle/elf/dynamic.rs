//! Parsing of what [`Probe`](super::Probe) kept. Every value may be hostile.

use object::elf;
use object::pod::{self, Pod};
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::{Endian, Endianness, FileKind};

use super::{ElfInfo, Machine, VersionNeed};
use crate::texts::phrases::archive as phrases;

/// Most entries of one kind that are listed; real programs have fewer than ten.
const MOST_LIBRARIES: usize = 128;
const MOST_VERSIONS: usize = 1024;
/// Longest library or version name in bytes.
const LONGEST_NAME: usize = 255;
/// Longest path of a dynamic loader in bytes.
const LONGEST_PATH: usize = 4096;

/// A range of bytes in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) start: u64,
    pub(super) len: u64,
}

impl Range {
    pub(super) fn end(self) -> u64 {
        self.start.saturating_add(self.len)
    }
}

/// What the file and program headers say.
#[derive(Debug, Clone)]
pub(super) struct Headers {
    is_64: bool,
    endian: Endianness,
    machine: Machine,
    /// Where segments lie: virtual address and range in the file.
    loads: Vec<(u64, Range)>,
    pub(super) interpreter: Option<Range>,
    pub(super) dynamic: Option<Range>,
}

/// Reads the headers from the first bytes of a file.
pub(super) fn headers(head: &[u8]) -> Result<Headers, &'static str> {
    match FileKind::parse(head) {
        Ok(FileKind::Elf64) => headers_of::<elf::FileHeader64<Endianness>>(head),
        Ok(FileKind::Elf32) => headers_of::<elf::FileHeader32<Endianness>>(head),
        _ if head.is_empty() => Err(phrases::EMPTY),
        _ if head.starts_with(b"#!") => Err(phrases::SCRIPT),
        _ => Err(phrases::NO_ELF_HEADER),
    }
}

fn headers_of<F>(head: &[u8]) -> Result<Headers, &'static str>
where
    F: FileHeader<Endian = Endianness>,
{
    let header = F::parse(head).map_err(|_| phrases::ELF_HEADER_MALFORMED)?;
    let endian = header.endian().map_err(|_| phrases::ELF_HEADER_MALFORMED)?;
    if !matches!(header.e_type(endian), elf::ET_EXEC | elf::ET_DYN) {
        return Err(phrases::NOT_A_PROGRAM);
    }
    let segments =
        header.program_headers(endian, head).map_err(|_| phrases::PROGRAM_HEADERS_MALFORMED)?;
    let is_64 = header.is_type_64();
    let mut headers = Headers {
        is_64,
        endian,
        machine: Machine::from_elf(
            header.e_machine(endian),
            is_64,
            endian.is_little_endian(),
            header.e_flags(endian),
        ),
        loads: Vec::new(),
        interpreter: None,
        dynamic: None,
    };
    for segment in segments {
        let (start, len) = segment.file_range(endian);
        let range = Range { start, len };
        match segment.p_type(endian) {
            elf::PT_LOAD => headers.loads.push((segment.p_vaddr(endian).into(), range)),
            elf::PT_INTERP => headers.interpreter = Some(range),
            elf::PT_DYNAMIC => headers.dynamic = Some(range),
            _ => {}
        }
    }
    if headers.loads.is_empty() {
        return Err(phrases::NOTHING_TO_LOAD);
    }
    Ok(headers)
}

impl Headers {
    /// Puts the answer together from the start of the file (`head`) and the contents of its
    /// dynamic segment, as far as they could be kept.
    pub(super) fn describe(&self, head: &[u8], dynamic: &[u8]) -> ElfInfo {
        let mut info = ElfInfo {
            machine: self.machine,
            interpreter: None,
            needed: Vec::new(),
            version_needs: Vec::new(),
            dependencies_known: true,
        };
        if let Some(range) = self.interpreter {
            info.interpreter = slice(head, range).and_then(|path| text(path, 0, LONGEST_PATH));
            info.dependencies_known = info.interpreter.is_some();
        }
        if let Some(range) = self.dynamic {
            let complete = dynamic.len() as u64 == range.len;
            let known = complete
                && if self.is_64 {
                    self.dependencies::<elf::Dyn64<Endianness>>(head, dynamic, &mut info)
                } else {
                    self.dependencies::<elf::Dyn32<Endianness>>(head, dynamic, &mut info)
                }
                .is_some();
            info.dependencies_known &= known;
        }
        info
    }

    /// Fills `needed` and `version_needs`; `None` if something could not be read.
    fn dependencies<D>(&self, head: &[u8], dynamic: &[u8], info: &mut ElfInfo) -> Option<()>
    where
        D: Dyn<Endian = Endianness> + Pod,
    {
        let count = dynamic.len() / size_of::<D>();
        let (entries, _) = pod::slice_from_bytes::<D>(dynamic, count).ok()?;
        let mut names = Vec::new();
        let mut terminated = false;
        let (mut strings, mut strings_len, mut versions, mut versions_count) =
            (None, None, None, 0);
        for entry in entries {
            let value: u64 = entry.d_val(self.endian).into();
            match entry.d_tag(self.endian) {
                elf::DT_NULL => {
                    terminated = true;
                    break;
                }
                elf::DT_NEEDED => names.push(value),
                elf::DT_STRTAB => strings = Some(value),
                elf::DT_STRSZ => strings_len = Some(value),
                elf::DT_VERNEED => versions = Some(value),
                elf::DT_VERNEEDNUM => versions_count = value,
                _ => {}
            }
        }
        // A table without an end is no table.
        terminated.then_some(())?;
        if names.is_empty() && versions.is_none() {
            return Some(());
        }
        let strings = self.table(head, strings?, strings_len?)?;
        for name in &names[..names.len().min(MOST_LIBRARIES)] {
            info.needed.push(text(strings, *name, LONGEST_NAME)?);
        }
        if let Some(address) = versions {
            let start = self.offset_of(address)?;
            let table = head.get(usize::try_from(start).ok()?..)?;
            info.version_needs = version_needs(self.endian, table, versions_count, strings)?;
        }
        (names.len() <= MOST_LIBRARIES).then_some(())
    }

    /// The bytes of `head` that are loaded at `address`. A table that is cut off by the end of
    /// `head` is given as far as it goes: names past the end are then not found.
    fn table<'h>(&self, head: &'h [u8], address: u64, len: u64) -> Option<&'h [u8]> {
        let start = usize::try_from(self.offset_of(address)?).ok()?;
        let table = head.get(start..)?;
        Some(&table[..table.len().min(usize::try_from(len).ok()?)])
    }

    /// Where in the file the byte lies that is loaded at `address`.
    fn offset_of(&self, address: u64) -> Option<u64> {
        self.loads.iter().find_map(|(base, range)| {
            let within = address.checked_sub(*base)?;
            (within < range.len).then(|| range.start.checked_add(within))?
        })
    }
}

/// Reads `count` entries of a `SHT_GNU_verneed` table (Linux Standard Base, Symbol Versioning).
fn version_needs(
    endian: Endianness,
    table: &[u8],
    count: u64,
    strings: &[u8],
) -> Option<Vec<VersionNeed>> {
    if count > MOST_LIBRARIES as u64 {
        return None;
    }
    let mut needs = Vec::new();
    let mut at = 0_usize;
    for _ in 0..count {
        let (need, _) = pod::from_bytes::<elf::Verneed<Endianness>>(table.get(at..)?).ok()?;
        let name = text(strings, need.vn_file.get(endian).into(), LONGEST_NAME)?;
        let mut aux_at = at.checked_add(need.vn_aux.get(endian) as usize)?;
        for _ in 0..need.vn_cnt.get(endian) {
            let (aux, _) =
                pod::from_bytes::<elf::Vernaux<Endianness>>(table.get(aux_at..)?).ok()?;
            let version = text(strings, aux.vna_name.get(endian).into(), LONGEST_NAME)?;
            if needs.len() == MOST_VERSIONS {
                return None;
            }
            needs.push(VersionNeed { library: name.clone(), version });
            match aux.vna_next.get(endian) {
                0 => break,
                next => aux_at = aux_at.checked_add(next as usize)?,
            }
        }
        match need.vn_next.get(endian) {
            0 => break,
            next => at = at.checked_add(next as usize)?,
        }
    }
    Some(needs)
}

/// The NUL-terminated text at `start`, if it is short, printable ASCII and not empty.
fn text(table: &[u8], start: u64, longest: usize) -> Option<String> {
    let rest = table.get(usize::try_from(start).ok()?..)?;
    let len = rest.iter().take(longest + 1).position(|byte| *byte == 0)?;
    let bytes = &rest[..len];
    let sound = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic);
    sound.then(|| String::from_utf8_lossy(bytes).into_owned())
}

fn slice(bytes: &[u8], range: Range) -> Option<&[u8]> {
    bytes.get(usize::try_from(range.start).ok()?..usize::try_from(range.end()).ok()?)
}
