//! What can be wrong with the gzip stream.

use super::*;

#[test]
fn not_gzip() {
    for (bytes, what) in [
        (&b""[..], "an empty file"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\n <html>", "a web page"),
        (b"PK\x03\x04", "a zip archive"),
        (b"BZh91AY", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (&[0; 100], "zeros: the copy was probably cut off"),
        (&modern().tar(), "an uncompressed tar archive"),
        (b"hello", "something else"),
    ] {
        assert_error!(error_of(bytes), BundleError::NotGzip { found } if found == what);
    }
}

#[test]
fn truncated_anywhere() {
    let bytes = modern().build();
    for length in (1..bytes.len()).step_by(7).chain([bytes.len() - 1]) {
        assert_error!(error_of(&bytes[..length]), BundleError::Truncated { packed_at } if packed_at == length as u64);
    }
}

#[test]
fn wrong_checksum_and_wrong_length() {
    let bytes = modern().build();
    for from_end in [8, 4] {
        let mut damaged = bytes.clone();
        let at = damaged.len() - from_end;
        damaged[at] ^= 1;
        assert_error!(error_of(&damaged), BundleError::BadCrc { .. });
    }
}

#[test]
fn corrupt_data() {
    let mut bytes = modern().build();
    bytes[3] = 0xff; // reserved flags
    assert_error!(error_of(&bytes), BundleError::Corrupt { .. });
    let mut bytes = modern().build();
    bytes.truncate(10);
    bytes.extend([0x07; 100]); // a block of the reserved type
    assert_error!(error_of(&bytes), BundleError::Corrupt { .. });
}

#[test]
fn foreign_data_at_the_end() {
    let sound = modern().build();
    for (tail, offset) in [(&b"x"[..], 0), (b"\0\0x", 2), (b"PK\x03\x04", 0)] {
        let bytes = [&sound, tail].concat();
        let at = (sound.len() + offset) as u64;
        assert_error!(error_of(&bytes), BundleError::TrailingData { packed_at } if packed_at == at);
    }
    // A member after the padding would be invisible to some programs.
    let bytes = [&sound[..], &[0; 10], &sound].concat();
    assert_error!(error_of(&bytes), BundleError::TrailingData { .. });
}

#[test]
fn bomb() {
    let mut tar = modern().tar_open();
    tar.resize(32 << 20, 0);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&tar).unwrap();
    let bytes = encoder.finish().unwrap();
    assert_error!(error_of(&bytes), BundleError::Ratio { limit: 200 });
}

#[test]
fn larger_than_allowed() {
    let bytes = modern().build();
    let total = modern().tar().len() as u64;
    let read_within = |total, bytes: &[u8]| {
        let limits = Limits { total, ..Limits::default() };
        read(bytes, &limits, &mut Discard, &|_| {})
    };
    assert!(read_within(total, &bytes).is_ok());
    assert_error!(read_within(total - 1, &bytes).unwrap_err(), BundleError::TooLarge { .. });
    // The compressed file itself.
    let padded = [&bytes[..], &vec![0; total as usize]].concat();
    assert_error!(read_within(total, &padded).unwrap_err(), BundleError::TooLarge { .. });
}

#[test]
fn reading_fails() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("medium error"))
        }
    }
    let bytes = modern().build();
    let input = (&bytes[..bytes.len() / 2]).chain(Broken);
    let error = read(input, &Limits::default(), &mut Discard, &|_| {}).unwrap_err();
    assert_error!(error, BundleError::Read(ref error) if error.to_string() == "medium error");
}
