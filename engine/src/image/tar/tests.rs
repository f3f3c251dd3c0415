//! What the reader makes of bytes that nobody meant; the archives that people make are read by the
//! tests of the program that applies layers.

use std::io::{Read, sink};

use proptest::prelude::*;

use super::*;

/// A header for an entry, with a right checksum.
fn header(kind: u8, size: u64) -> [u8; BLOCK] {
    let mut header = ::tar::Header::new_gnu();
    header.as_old_mut().name[0] = b'a';
    header.as_old_mut().linkflag[0] = kind;
    header.set_size(size);
    for set in [::tar::Header::set_mode, |header: &mut ::tar::Header, _| header.set_mtime(0)] {
        set(&mut header, 0o644);
    }
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    *header.as_bytes()
}

fn read_all(bytes: &[u8]) -> Result<Vec<(Entry, Vec<u8>)>, TarError> {
    let mut reader = TarReader::new(bytes);
    let mut entries = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        let mut data = Vec::new();
        reader.read_to_end(&mut data)?;
        entries.push((entry, data));
    }
    Ok(entries)
}

#[test]
fn data_that_is_not_read_is_passed_over() {
    let bytes = [&header(b'0', 3)[..], &[b'x'; 512], &header(b'0', 0)].concat();
    let mut reader = TarReader::new(&*bytes);
    assert_eq!(reader.next_entry().unwrap().unwrap().size, 3);
    assert_eq!(reader.next_entry().unwrap().unwrap().size, 0);
    assert!(reader.next_entry().unwrap().is_none());
}

#[test]
fn a_size_without_end_is_only_an_end_that_comes_early() {
    let bytes = header(b'0', 0o777_7777_7777);
    let mut reader = TarReader::new(&bytes[..]);
    reader.next_entry().unwrap().unwrap();
    assert!(io::copy(&mut reader, &mut sink()).is_err());
    assert!(matches!(reader.next_entry(), Err(TarError::Io(_))));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        kinds in prop::collection::vec((prop::sample::select(b"01LKxgS5\0".to_vec()), "[ -~\n]{0,40}"), 1..5)
    ) {
        let mut bytes = Vec::new();
        for (kind, data) in kinds {
            bytes.extend(header(kind, data.len() as u64));
            bytes.extend(data.as_bytes());
            bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        }
        let _ = read_all(&bytes);
    }
}
