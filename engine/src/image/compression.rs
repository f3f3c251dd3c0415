//! Archives as they come: plain, gzip or Zstandard, told apart by their first bytes.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

/// How much is read at once.
const CHUNK: usize = 64 << 10;

/// The window that `zstd --long=27` needs, which is as much as other programs take unasked.
const MAX_WINDOW: u64 = 128 << 20;

/// Reads `archive` unpacked.
pub(crate) fn decompress<'a>(mut archive: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut magic = Vec::new();
    archive.by_ref().take(6).read_to_end(&mut magic)?;
    let start = io::Cursor::new(magic.clone());
    let archive = BufReader::with_capacity(CHUNK, start.chain(archive));
    let unsupported = |name| {
        let text = format!("it is compressed with {name}; gzip and Zstandard are supported");
        Err(io::Error::new(io::ErrorKind::Unsupported, text))
    };
    match magic[..] {
        [0x1f, 0x8b, ..] => Ok(Box::new(MultiGzDecoder::new(archive))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            Ok(Box::new(Zstd { source: archive, frame: None }))
        }
        [b'B', b'Z', b'h', ..] => unsupported("bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => unsupported("xz"),
        _ => Ok(Box::new(archive)),
    }
}

/// All frames of a Zstandard stream; the decoder itself reads one. Frames to be skipped hold
/// tables of contents (zstd:chunked).
struct Zstd<R> {
    source: R,
    frame: Option<FrameDecoder>,
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let decoder = match self.frame.take() {
                Some(decoder) => decoder,
                None if self.source.fill_buf()?.is_empty() => return Ok(0),
                None => match self.next_frame()? {
                    Some(decoder) => decoder,
                    None => continue,
                },
            };
            if let Some(read) = self.read_frame(decoder, buffer)? {
                return Ok(read);
            }
        }
    }
}

impl<R: BufRead> Zstd<R> {
    /// Some bytes of a frame; `None` at its end, where its checksum has to be right.
    fn read_frame(
        &mut self,
        mut frame: FrameDecoder,
        buffer: &mut [u8],
    ) -> io::Result<Option<usize>> {
        while frame.can_collect() == 0 && !frame.is_finished() {
            frame
                .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
        let read = frame.read(buffer)?;
        if read > 0 {
            self.frame = Some(frame);
            return Ok(Some(read));
        }
        match (frame.get_checksum_from_data(), frame.get_calculated_checksum()) {
            (Some(given), Some(found)) if given != found => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the checksum of a Zstandard frame is wrong",
            )),
            _ => Ok(None),
        }
    }

    /// Begins the next frame; `None` if it was one to be skipped.
    fn next_frame(&mut self) -> io::Result<Option<FrameDecoder>> {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW);
        match decoder.init(&mut self.source) {
            Ok(()) => Ok(Some(decoder)),
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let length = u64::from(length);
                let skipped = io::copy(&mut (&mut self.source).take(length), &mut io::sink())?;
                if skipped < length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Ok(None)
            }
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn unpacked(archive: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        decompress(archive)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    #[test]
    fn every_compression_is_known_by_its_first_bytes() {
        let text = b"some text ".repeat(100_000);
        for archive in [text.clone(), gzip(&text), zstd(&text)] {
            assert!(unpacked(&archive).unwrap() == text);
        }
        for short in [&b""[..], b"a", b"BZ", b"ustar"] {
            assert_eq!(unpacked(short).unwrap(), short);
        }
        for unsupported in [&b"BZh91AY"[..], b"\xfd7zXZ\0"] {
            assert_eq!(unpacked(unsupported).unwrap_err().kind(), io::ErrorKind::Unsupported);
        }
    }

    #[test]
    fn streams_of_several_parts_are_read_whole() {
        let skipped = b"\x50\x2a\x4d\x18\x03\0\0\0abc";
        assert_eq!(unpacked(&[gzip(b"one"), gzip(b"two")].concat()).unwrap(), b"onetwo");
        let parts = [&skipped[..], &zstd(b"one"), skipped, &zstd(b"two"), skipped].concat();
        assert_eq!(unpacked(&parts).unwrap(), b"onetwo");
    }

    #[test]
    fn what_is_cut_off_or_damaged_is_no_end() {
        let text: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        for archive in [gzip(&text), zstd(&text)] {
            for cut in [archive.len() - 1, archive.len() / 2, 7] {
                assert!(unpacked(&archive[..cut]).is_err(), "{cut}");
            }
            let mut damaged = archive.clone();
            let last = damaged.len() - 1;
            damaged[last] ^= 1;
            assert!(unpacked(&damaged).is_err());
        }
        assert!(unpacked(b"\x50\x2a\x4d\x18\xff\xff\xff\xff").is_err());
    }
}
