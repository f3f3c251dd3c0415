//! Archives and programs made for tests.

mod archive;
mod elf_image;

pub(in crate::bundle) use archive::{ArchiveImage, FileImage, MODERN, gzip, modern, pax};
pub(in crate::bundle) use elf_image::ElfImage;

/// Numbers that look random and are the same each time (Marsaglia's xorshift64*).
pub(in crate::bundle) struct Random(u64);

impl Random {
    /// `seed` is not 0.
    pub(in crate::bundle) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(in crate::bundle) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Less than `bound`, which is not 0.
    pub(in crate::bundle) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(in crate::bundle) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            bytes.extend(self.next().to_le_bytes());
        }
        bytes.truncate(count);
        bytes
    }
}
