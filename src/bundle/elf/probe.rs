//! Keeps what is needed of a program while it streams by.

use super::ElfInfo;
use super::dynamic::{self, Headers, Range};
use crate::texts::phrases::archive as phrases;

/// The headers must lie in the first bytes; linkers put them at 0 and 64.
const HEADERS: usize = 4096;
/// Most that is kept of the start of a file. The table of names that the dynamic segment
/// points to lies there; in a Go program built with cgo it may take several megabytes, and
/// the dynamic segment itself comes only far behind the code.
const START: u64 = 16 << 20;
/// Most that is kept of a dynamic segment; real ones have about 30 entries of 16 bytes.
const DYNAMIC: u64 = 64 << 10;

/// Takes the bytes of one file after the other and tells what each program needs.
///
/// Needs at most 16 MiB, and for static programs, which have no dynamic segment, 4 KiB.
#[derive(Debug, Default)]
pub(in crate::bundle) struct Probe {
    /// Bytes of the file seen so far.
    seen: u64,
    /// The start of the file.
    head: Vec<u8>,
    /// How much of the start to keep.
    keep: u64,
    /// What the first bytes said, once they were there.
    headers: Option<Result<Headers, &'static str>>,
    /// The dynamic segment, if it lies outside `head`.
    dynamic: Vec<u8>,
    /// Where that is.
    window: Option<Range>,
}

impl Probe {
    /// Makes ready for the next file.
    pub(in crate::bundle) fn start(&mut self) {
        self.seen = 0;
        self.head.clear();
        self.keep = HEADERS as u64;
        self.headers = None;
        self.dynamic.clear();
        self.window = None;
    }

    /// Takes the next bytes of the file.
    pub(in crate::bundle) fn feed(&mut self, bytes: &[u8]) {
        self.keep_head(bytes);
        if self.headers.is_none() && self.head.len() >= HEADERS {
            self.read_headers();
            self.keep_head(bytes);
        }
        if let Some(window) = self.window {
            let from = window.start.max(self.seen);
            let to = window.end().min(self.seen + bytes.len() as u64);
            if from < to {
                let at = |offset: u64| (offset - self.seen) as usize;
                self.dynamic.extend_from_slice(&bytes[at(from)..at(to)]);
            }
        }
        self.seen += bytes.len() as u64;
    }

    /// Says what the file needs, or why it is no program.
    pub(in crate::bundle) fn finish(&mut self) -> Result<ElfInfo, &'static str> {
        if self.headers.is_none() {
            self.read_headers();
        }
        let headers = match &self.headers {
            Some(Ok(headers)) => headers,
            Some(Err(why)) => return Err(why),
            None => return Err(phrases::EMPTY),
        };
        let dynamic = match headers.dynamic {
            Some(range) if self.window.is_none() => {
                // A segment that reaches past the end of the file is cut off, not invented.
                let start = (range.start.min(self.head.len() as u64)) as usize;
                let end = (range.end().min(self.head.len() as u64)) as usize;
                &self.head[start..end]
            }
            _ => &self.dynamic,
        };
        Ok(headers.describe(&self.head, dynamic))
    }

    /// Appends what `bytes`, which start at `seen`, add to the part that is kept.
    fn keep_head(&mut self, bytes: &[u8]) {
        let have = self.head.len() as u64;
        if have < self.keep && have >= self.seen {
            let from = ((have - self.seen) as usize).min(bytes.len());
            let to = ((self.keep - self.seen) as usize).min(bytes.len());
            self.head.extend_from_slice(&bytes[from..to]);
        }
    }

    /// Reads the headers and decides what else to keep.
    fn read_headers(&mut self) {
        let headers = dynamic::headers(&self.head);
        if let Ok(headers) = &headers {
            if let Some(range) = headers.interpreter {
                self.keep = self.keep.max(range.end().min(DYNAMIC));
            }
            if let Some(range) = headers.dynamic {
                self.keep = self.keep.max(range.end().min(START));
                if range.end() > START {
                    let len = range.len.min(DYNAMIC);
                    self.window = Some(Range { start: range.start, len });
                }
            }
            let more = self.keep.saturating_sub(self.head.len() as u64);
            self.head.reserve_exact(more as usize);
        }
        self.headers = Some(headers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::elf::{Machine, VersionNeed};
    use crate::bundle::testing::{ElfImage, Random};

    /// Feeds `bytes` in pieces of `piece`.
    fn probe(bytes: &[u8], piece: usize) -> Result<ElfInfo, &'static str> {
        let mut probe = Probe::default();
        probe.start();
        bytes.chunks(piece).for_each(|piece| probe.feed(piece));
        probe.finish()
    }

    fn need(library: &str, version: &str) -> VersionNeed {
        VersionNeed { library: library.into(), version: version.into() }
    }

    #[test]
    fn static_program() {
        let info = probe(&ElfImage::fixed(Machine::X86_64).build(), 100).unwrap();
        assert_eq!(info.machine, Machine::X86_64);
        assert!(info.is_static());
        assert!(info.version_needs.is_empty());
    }

    #[test]
    fn dynamic_program_in_every_word_size_and_byte_order() {
        for machine in [
            Machine::X86_64,
            Machine::Aarch64,
            Machine::Armhf,
            Machine::Armel,
            Machine::Arm,
            Machine::Ppc64le,
            Machine::S390x,
            Machine::Riscv64,
            Machine::Loongarch64,
        ] {
            let image = ElfImage::dynamic(machine)
                .needs("libdl.so.2", &[])
                .needs("libc.so.6", &["GLIBC_2.34", "GLIBC_2.2.5"]);
            for gap in [0, 10_000, 200_000] {
                let bytes = image.clone().gap(gap).build();
                for piece in [1000, 4097, bytes.len()] {
                    let info = probe(&bytes, piece).unwrap();
                    assert_eq!(info.machine, machine);
                    assert_eq!(info.interpreter.as_deref(), Some("/lib/ld-test.so.1"));
                    assert_eq!(info.needed, ["libdl.so.2", "libc.so.6"]);
                    let needs = [need("libc.so.6", "GLIBC_2.34"), need("libc.so.6", "GLIBC_2.2.5")];
                    assert_eq!(info.version_needs, needs);
                    assert!(info.dependencies_known && !info.is_static());
                }
            }
        }
    }

    #[test]
    fn dynamic_segment_far_behind_the_names() {
        let image = ElfImage::dynamic(Machine::X86_64).needs("libc.so.6", &["GLIBC_2.34"]);
        let bytes = image.gap(20 << 20).build();
        for piece in [777_777, 1 << 20] {
            let info = probe(&bytes, piece).unwrap();
            assert_eq!(info.needed, ["libc.so.6"]);
            assert_eq!(info.version_needs, [need("libc.so.6", "GLIBC_2.34")]);
            assert!(info.dependencies_known);
        }
    }

    #[test]
    fn names_out_of_reach_are_said_to_be_unknown() {
        let image = ElfImage::dynamic(Machine::X86_64).needs("libc.so.6", &["GLIBC_2.34"]);
        let bytes = image.gap_before_names(20 << 20).build();
        let info = probe(&bytes, 1 << 20).unwrap();
        assert!(!info.dependencies_known && !info.is_static());
        assert_eq!(info.machine, Machine::X86_64);
    }

    #[test]
    fn cut_off_programs_do_not_pass_for_static() {
        let bytes = ElfImage::dynamic(Machine::X86_64).needs("libc.so.6", &[]).build();
        let info = probe(&bytes[..bytes.len() - 20], 100).unwrap();
        assert!(!info.dependencies_known && !info.is_static());
    }

    #[test]
    fn what_is_no_program() {
        let object = ElfImage::fixed(Machine::X86_64).object_file().build();
        for (bytes, why) in [
            (&b""[..], "empty"),
            (b"#!/bin/sh\necho\n", "script"),
            (b"MZ this is not for Linux, and long enough to hold a header of 64 bytes", "ELF"),
            (&object, "object file"),
            (&ElfImage::fixed(Machine::X86_64).build()[..40], "malformed"),
            (&ElfImage::fixed(Machine::X86_64).build()[..70], "malformed"),
        ] {
            let found = probe(bytes, 7).unwrap_err();
            assert!(found.contains(why), "{found:?} instead of {why:?}");
        }
    }

    #[test]
    fn one_probe_reads_many_files() {
        let mut probe = Probe::default();
        for _ in 0..2 {
            probe.start();
            probe.feed(&ElfImage::dynamic(Machine::Arm).needs("libc.so.6", &[]).build());
            assert_eq!(probe.finish().unwrap().needed, ["libc.so.6"]);
            probe.start();
            probe.feed(&ElfImage::fixed(Machine::X86_64).build());
            assert!(probe.finish().unwrap().is_static());
            probe.start();
            assert!(probe.finish().is_err());
        }
    }

    #[test]
    fn damaged_headers_never_panic() {
        let image = ElfImage::dynamic(Machine::X86_64)
            .needs("libc.so.6", &["GLIBC_2.34"])
            .gap(5000)
            .build();
        let mut random = Random::new(7);
        for _ in 0..20_000 {
            let mut bytes = image.clone();
            for _ in 0..=random.below(4) {
                let at = random.below(bytes.len().min(600));
                bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)];
            }
            let tail = bytes.len() - 500;
            let at = tail + random.below(500);
            bytes[at] ^= 1 << random.below(8);
            if let Ok(info) = probe(&bytes, 4000) {
                assert!(info.needed.len() <= 128);
            }
        }
    }
}
