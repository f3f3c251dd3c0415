//! Files with holes: GNU's old format and version 1.0, whose maps stand outside of PAX records.

use std::io::Read;

use super::{
    TarError, TarReader,
    header::{BLOCK, Header, number},
    pax::decimal,
};

/// Most segments of one file: 4 MiB of memory.
pub(super) const MAX_SEGMENTS: usize = 1 << 18;

/// Bytes of one segment's description, and of its first half.
const PAIR: usize = 24;

/// Where some data belongs in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// The old format: four segments in the header, and 21 in each block that follows it.
pub(super) fn old_gnu<R: Read>(
    reader: &mut TarReader<R>,
    header: &Header,
) -> Result<(Vec<Segment>, u64), TarError> {
    let (first, mut more, size) = header.sparse();
    let Some(size) = size else {
        return reader.malformed("the size of a sparse file is not a number");
    };
    let mut segments = Vec::new();
    let mut good = add_pairs(first, &mut segments);
    while more && good {
        let Some(block) = reader.block()? else {
            return reader.malformed("the map of a sparse file is cut off");
        };
        good = add_pairs(&block[..504], &mut segments);
        more = block[504] != 0;
    }
    if !good {
        return reader.malformed("the map of a sparse file is malformed or too long");
    }
    Ok((segments, size))
}

/// Version 1.0: decimal numbers in lines, padded to a whole block, before the data.
pub(super) fn version_1<R: Read>(reader: &mut TarReader<R>) -> Result<Vec<Segment>, TarError> {
    let mut block = Lines { block: [0; BLOCK], at: BLOCK };
    let count = block.number(reader)?;
    if count > MAX_SEGMENTS as u64 {
        return reader.malformed("a sparse file has too many segments");
    }
    let mut segments = Vec::new();
    for _ in 0..count {
        let offset = block.number(reader)?;
        segments.push(Segment { offset, length: block.number(reader)? });
    }
    Ok(segments)
}

/// Whether the segments are in order, within the file, and as long as the data.
pub(super) fn check(segments: &[Segment], size: u64, data: u64) -> Result<(), &'static str> {
    let mut end = 0;
    let mut sum = 0_u64;
    for segment in segments {
        if segment.offset < end {
            return Err("the segments of a sparse file overlap");
        }
        end = match segment.offset.checked_add(segment.length) {
            Some(end) if end <= size => end,
            _ => return Err("a segment of a sparse file ends behind the file"),
        };
        sum += segment.length;
    }
    if sum != data || i64::try_from(size).is_err() {
        return Err("the segments of a sparse file are not as long as its data");
    }
    Ok(())
}

/// Adds pairs up to the first empty one. False where they make no sense.
fn add_pairs(bytes: &[u8], segments: &mut Vec<Segment>) -> bool {
    for pair in bytes.chunks_exact(PAIR) {
        if pair[0] == 0 {
            return true;
        }
        match (number(&pair[..PAIR / 2]), number(&pair[PAIR / 2..])) {
            (Some(offset), Some(length)) if segments.len() < MAX_SEGMENTS => {
                segments.push(Segment { offset, length });
            }
            _ => return false,
        }
    }
    true
}

struct Lines {
    block: [u8; BLOCK],
    at: usize,
}

impl Lines {
    fn number<R: Read>(&mut self, reader: &mut TarReader<R>) -> Result<u64, TarError> {
        let mut digits = Vec::new();
        loop {
            if self.at == BLOCK {
                if reader.data < BLOCK as u64 {
                    return reader.malformed("the map of a sparse file is cut off");
                }
                reader.read_exact(&mut self.block)?;
                self.at = 0;
            }
            let byte = self.block[self.at];
            self.at += 1;
            match byte {
                b'\n' => break,
                _ if digits.len() < 20 => digits.push(byte),
                _ => break,
            }
        }
        match decimal(&digits) {
            Some(number) => Ok(number),
            None => reader.malformed("the map of a sparse file is malformed"),
        }
    }
}
