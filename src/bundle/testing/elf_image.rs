//! Programs in ELF form, with everything in them that a loader looks at, and no code.

use object::elf;

use crate::bundle::Machine;

const BASE: u64 = 0x40_0000;
const INTERPRETER: &[u8] = b"/lib/ld-test.so.1\0";

#[derive(Debug, Clone)]
pub(in crate::bundle) struct ElfImage {
    machine: Machine,
    kind: u16,
    /// Libraries with the versions asked of them; `None` for a static program.
    libraries: Option<Vec<(String, Vec<String>)>>,
    gap_before_names: usize,
    gap: usize,
    payload: Vec<u8>,
}

impl ElfImage {
    /// A statically linked program.
    pub(in crate::bundle) fn fixed(machine: Machine) -> Self {
        let kind = elf::ET_EXEC.0;
        Self { machine, kind, libraries: None, gap_before_names: 0, gap: 0, payload: Vec::new() }
    }

    /// A dynamically linked program.
    pub(in crate::bundle) fn dynamic(machine: Machine) -> Self {
        Self { kind: elf::ET_DYN.0, libraries: Some(Vec::new()), ..Self::fixed(machine) }
    }

    pub(in crate::bundle) fn needs(mut self, name: &str, versions: &[&str]) -> Self {
        let versions = versions.iter().map(ToString::to_string).collect();
        self.libraries.get_or_insert_default().push((name.to_string(), versions));
        self
    }

    /// Bytes between the headers and the table of names.
    pub(in crate::bundle) fn gap_before_names(mut self, bytes: usize) -> Self {
        self.gap_before_names = bytes;
        self
    }

    /// Bytes between the table of names and the dynamic segment.
    pub(in crate::bundle) fn gap(mut self, bytes: usize) -> Self {
        self.gap = bytes;
        self
    }

    pub(in crate::bundle) fn object_file(mut self) -> Self {
        self.kind = elf::ET_REL.0;
        self
    }

    /// Bytes at the end.
    pub(in crate::bundle) fn payload(mut self, bytes: &[u8]) -> Self {
        self.payload = bytes.to_vec();
        self
    }

    pub(in crate::bundle) fn build(&self) -> Vec<u8> {
        let mut out = Out::new(self.machine);
        let segments: u64 = if self.libraries.is_some() { 3 } else { 1 };
        let headers_len = out.header_len() + segments * out.segment_len();

        // First what lies behind the headers, to know where everything is.
        let mut body = Out { bytes: Vec::new(), ..out };
        let mut segments = vec![];
        if let Some(libraries) = &self.libraries {
            let interpreter = headers_len;
            body.bytes.extend(INTERPRETER);
            body.bytes.resize(body.bytes.len() + self.gap_before_names, 0);
            let (strings, names) = strings(libraries);
            let strings_at = headers_len + body.bytes.len() as u64;
            body.bytes.extend(&strings);
            body.align(8, headers_len);
            let versions_at = headers_len + body.bytes.len() as u64;
            let versions_count = body.version_needs(&names);
            body.bytes.resize(body.bytes.len() + self.gap, 0x90);
            body.align(8, headers_len);
            let dynamic = headers_len + body.bytes.len() as u64;
            let before = body.bytes.len();
            for (name, _) in &names {
                body.dynamic_entry(elf::DT_NEEDED, u64::from(*name));
            }
            body.dynamic_entry(elf::DT_STRTAB, BASE + strings_at);
            body.dynamic_entry(elf::DT_STRSZ, strings.len() as u64);
            if versions_count > 0 {
                body.dynamic_entry(elf::DT_VERNEED, BASE + versions_at);
                body.dynamic_entry(elf::DT_VERNEEDNUM, versions_count);
            }
            body.dynamic_entry(elf::DT_NULL, 0);
            segments.push((elf::PT_INTERP, interpreter, INTERPRETER.len() as u64));
            segments.push((elf::PT_DYNAMIC, dynamic, (body.bytes.len() - before) as u64));
        }
        body.bytes.extend(&self.payload);
        segments.push((elf::PT_LOAD, 0, headers_len + body.bytes.len() as u64));

        out.header(self.kind, segments.len() as u16);
        for (kind, start, len) in segments {
            out.segment(kind, start, len);
        }
        out.bytes.extend(body.bytes);
        out.bytes
    }
}

type NameOffsets = Vec<(u32, Vec<u32>)>;

/// A string table, and where in it each library and each version is.
fn strings(libraries: &[(String, Vec<String>)]) -> (Vec<u8>, NameOffsets) {
    let mut table = vec![0];
    let mut add = |name: &str| {
        let at = table.len() as u32;
        table.extend(name.as_bytes());
        table.push(0);
        at
    };
    let names = libraries
        .iter()
        .map(|(name, versions)| (add(name), versions.iter().map(|name| add(name)).collect()))
        .collect();
    (table, names)
}

/// Writes numbers in a machine's word size and byte order.
#[derive(Debug, Clone)]
struct Out {
    bytes: Vec<u8>,
    machine: u16,
    wide: bool,
    big: bool,
    flags: u32,
}

impl Out {
    fn new(machine: Machine) -> Self {
        let (number, wide, big, flags) = match machine {
            Machine::X86_64 => (elf::EM_X86_64, true, false, 0),
            Machine::Aarch64 => (elf::EM_AARCH64, true, false, 0),
            Machine::Armhf => (elf::EM_ARM, false, false, 0x0500_0400),
            Machine::Armel => (elf::EM_ARM, false, false, 0x0500_0200),
            Machine::Arm => (elf::EM_ARM, false, false, 0x0500_0002),
            Machine::Ppc64le => (elf::EM_PPC64, true, false, 2),
            Machine::S390x => (elf::EM_S390, true, true, 0),
            Machine::Riscv64 => (elf::EM_RISCV, true, false, 5),
            Machine::Loongarch64 => (elf::EM_LOONGARCH, true, false, 0x43),
            Machine::Other(number) => panic!("no test needs machine {number}"),
        };
        Self { bytes: Vec::new(), machine: number.0, wide, big, flags }
    }

    fn header_len(&self) -> u64 {
        if self.wide { 64 } else { 52 }
    }

    fn segment_len(&self) -> u64 {
        if self.wide { 56 } else { 32 }
    }

    fn half(&mut self, value: u16) {
        self.bytes.extend(if self.big { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn word(&mut self, value: u32) {
        self.bytes.extend(if self.big { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    /// An address, an offset or a size.
    fn long(&mut self, value: u64) {
        if self.wide {
            self.bytes.extend(if self.big { value.to_be_bytes() } else { value.to_le_bytes() });
        } else {
            self.word(u32::try_from(value).unwrap());
        }
    }

    fn align(&mut self, to: u64, base: u64) {
        let len = base + self.bytes.len() as u64;
        self.bytes.resize((len.next_multiple_of(to) - base) as usize, 0);
    }

    fn header(&mut self, kind: u16, segments: u16) {
        self.bytes.extend(b"\x7fELF");
        self.bytes.extend([1 + u8::from(self.wide), 1 + u8::from(self.big), 1, 0]);
        self.bytes.extend([0; 8]);
        self.half(kind);
        self.half(self.machine);
        self.word(1);
        self.long(BASE);
        self.long(self.header_len());
        self.long(0);
        self.word(self.flags);
        self.half(self.header_len() as u16);
        self.half(self.segment_len() as u16);
        self.half(segments);
        self.half(0);
        self.half(0);
        self.half(0);
        assert_eq!(self.bytes.len() as u64, self.header_len());
    }

    fn segment(&mut self, kind: elf::ProgramType, start: u64, len: u64) {
        self.word(kind.0);
        if self.wide {
            self.word(5);
        }
        self.long(start);
        self.long(BASE + start);
        self.long(BASE + start);
        self.long(len);
        self.long(len);
        if !self.wide {
            self.word(5);
        }
        self.long(4096);
    }

    fn dynamic_entry(&mut self, tag: elf::DynamicTag, value: u64) {
        self.long(tag.0 as u64);
        self.long(value);
    }

    /// Writes a version table, with one entry for each library that has versions; says how many.
    fn version_needs(&mut self, names: &NameOffsets) -> u64 {
        let with: Vec<_> = names.iter().filter(|(_, versions)| !versions.is_empty()).collect();
        for (index, (library, versions)) in with.iter().enumerate() {
            let last = index + 1 == with.len();
            self.half(1);
            self.half(versions.len() as u16);
            self.word(*library);
            self.word(16);
            self.word(if last { 0 } else { 16 + 16 * versions.len() as u32 });
            for (index, version) in versions.iter().enumerate() {
                self.word(0);
                self.half(0);
                self.half(2 + index as u16);
                self.word(*version);
                self.word(if index + 1 == versions.len() { 0 } else { 16 });
            }
        }
        with.len() as u64
    }
}
