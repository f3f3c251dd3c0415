//! One gzip member of a bundle: RFC 1952 with one extra field, which states its length.

use std::io::{self, Read};

use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};

use super::MEMBER;
use super::error::FormatError;
use crate::bundle::pipeline::fill;
use crate::texts::phrases::archive as phrases;

/// What each member begins with: deflate, one extra field, no time, no system; then the field
/// `LF` of four bytes: the length of the whole member, little-endian.
const START: [u8; 16] = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 8, 0, b'L', b'F', 4, 0];
/// Length of all that precedes the deflated data.
pub(super) const HEADER: usize = START.len() + 4;
/// Length of what follows them: CRC-32 and size.
const TRAILER: usize = 8;
/// Base-2 logarithm of the window.
const WINDOW_BITS: u8 = 15;
/// By how much deflate may lengthen what it cannot compress, at most, for [`MEMBER`] bytes.
const SLACK: u64 = 64 << 10;

/// Whether a file that starts like this is a bundle.
pub(super) fn is_start(start: &[u8]) -> bool {
    start.starts_with(&START)
}

/// Packs `bytes` into a member of its own.
pub(super) fn pack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut member = Vec::with_capacity(bytes.len() / 2 + HEADER + TRAILER + 64);
    member.extend(START);
    member.extend([0; 4]);
    let mut deflate = Compress::new_with_window_bits(Compression::new(6), false, WINDOW_BITS);
    loop {
        let taken = deflate.total_in() as usize;
        member.reserve((bytes.len() - taken) / 2 + 4096);
        let status = deflate.compress_vec(&bytes[taken..], &mut member, FlushCompress::Finish)?;
        if status == Status::StreamEnd {
            break;
        }
    }
    let mut crc = Crc::new();
    crc.update(bytes);
    member.extend(crc.sum().to_le_bytes());
    member.extend((bytes.len() as u32).to_le_bytes());
    let length = member.len() as u32;
    member[START.len()..HEADER].copy_from_slice(&length.to_le_bytes());
    Ok(member)
}

/// A member as it lies in the file.
#[derive(Debug)]
pub(super) struct Packed {
    /// Where it begins.
    pub(super) at: u64,
    pub(super) bytes: Vec<u8>,
}

/// How much a member may unpack to: the manifest's own may be larger.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound(pub(super) u64);

impl Bound {
    /// For all members but the manifest's.
    pub(super) const USUAL: Self = Self(MEMBER as u64);

    /// Reads the length of the member at `at` from its first bytes.
    pub(super) fn length(self, header: &[u8; HEADER], at: u64) -> Result<u64, FormatError> {
        if !is_start(header) {
            return Err(match header[0] {
                0x1f => FormatError::MemberHeader { packed_at: at },
                _ => FormatError::TrailingData { packed_at: at },
            });
        }
        let [.., a, b, c, d] = *header;
        let stated = u64::from(u32::from_le_bytes([a, b, c, d]));
        if stated <= (HEADER + TRAILER) as u64 || stated > self.0 + SLACK {
            return Err(FormatError::MemberLength { packed_at: at, stated });
        }
        Ok(stated)
    }
}

/// Reads the member that begins at `at`; `None` at the end of the file.
pub(super) fn next(
    input: &mut dyn Read,
    at: u64,
    bound: Bound,
) -> Result<Option<Packed>, FormatError> {
    let mut header = [0; HEADER];
    match fill(input, &mut header).map_err(FormatError::Read)? {
        0 => return Ok(None),
        HEADER => {}
        got if header[..got.min(START.len())] == START[..got.min(START.len())] => {
            return Err(FormatError::Cut { packed_at: at + got as u64 });
        }
        _ => return Err(FormatError::TrailingData { packed_at: at }),
    }
    let length = bound.length(&header, at)? as usize;
    let mut bytes = vec![0; length];
    bytes[..HEADER].copy_from_slice(&header);
    let got = fill(input, &mut bytes[HEADER..]).map_err(FormatError::Read)?;
    if HEADER + got < length {
        return Err(FormatError::Cut { packed_at: at + (HEADER + got) as u64 });
    }
    Ok(Some(Packed { at, bytes }))
}

impl Packed {
    /// How much it unpacks to, by its own words, which may be wrong.
    fn size(&self) -> u64 {
        match self.bytes.last_chunk() {
            Some(size) => u64::from(u32::from_le_bytes(*size)),
            None => 0,
        }
    }

    /// Unpacks it.
    pub(super) fn unpack(&self, bound: Bound) -> Result<Vec<u8>, FormatError> {
        let packed_at = self.at;
        let size = self.size();
        let damaged = |detail: &str| FormatError::MemberDamaged {
            packed_at,
            detail: detail.trim_end_matches('\0').to_owned(),
        };
        let mut inflate = Decompress::new_gzip(WINDOW_BITS);
        // One more, so that there is room to find that there is too much.
        let mut out = vec![0; size.min(bound.0) as usize + 1];
        let status = loop {
            let (taken, made) = (inflate.total_in() as usize, inflate.total_out() as usize);
            let status = inflate
                .decompress(&self.bytes[taken..], &mut out[made..], FlushDecompress::None)
                .map_err(|error| match error.message() {
                    // zlib's wording for the two fields of the trailer.
                    Some(text) if text.starts_with("incorrect ") => {
                        FormatError::MemberChecksum { packed_at }
                    }
                    text => damaged(text.unwrap_or(phrases::NOT_UNPACKED)),
                })?;
            let moved = inflate.total_in() as usize > taken || inflate.total_out() as usize > made;
            if status == Status::StreamEnd || !moved {
                break status;
            }
        };
        if inflate.total_out() > bound.0 {
            return Err(FormatError::MemberTooLarge { packed_at, limit: bound.0 });
        }
        if inflate.total_out() > size {
            return Err(FormatError::MemberChecksum { packed_at });
        }
        if status != Status::StreamEnd || inflate.total_in() as usize != self.bytes.len() {
            return Err(damaged(crate::texts::phrases::bundle::LENGTH_NOT_RIGHT));
        }
        out.truncate(size as usize);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn any_gzip_reads_it() {
        for bytes in [&b""[..], b"abc", &[7; MEMBER]] {
            let member = pack(bytes).unwrap();
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&member[..]).read_to_end(&mut plain).unwrap();
            assert_eq!(plain, bytes);
            let packed = next(&mut &member[..], 0, Bound::USUAL).unwrap().unwrap();
            assert_eq!(packed.bytes, member);
            assert_eq!(packed.unpack(Bound::USUAL).unwrap(), bytes);
        }
    }

    #[test]
    fn what_cannot_be_compressed_fits() {
        let mut random = crate::bundle::testing::Random::new(1);
        let bytes: Vec<u8> = (0..MEMBER).map(|_| random.next() as u8).collect();
        let member = pack(&bytes).unwrap();
        assert!((member.len() as u64) < MEMBER as u64 + SLACK);
        let packed = next(&mut &member[..], 0, Bound::USUAL).unwrap().unwrap();
        assert_eq!(packed.unpack(Bound::USUAL).unwrap(), bytes);
    }
}
