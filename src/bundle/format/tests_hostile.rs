//! Bundles that are damaged or made to do harm: each is refused, and says why.

use std::collections::BTreeSet;

use super::*;
use crate::bundle::signature::{Signature, Trust, TrustedKey, judge};
use crate::bundle::testing::Random;
use crate::stage::{self, StageError};

#[allow(clippy::expect_used, dead_code)] // the end-to-end tests use more of it
#[path = "../../../tests/support/hostile.rs"]
mod corpus;

/// As an installation reads it, with one trusted key.
fn message(bytes: &[u8]) -> Result<(), String> {
    let keys = vec![TrustedKey::parse(corpus::PUBLIC_KEY).unwrap()];
    let trust = Trust { keys, required: false };
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let expected = stage::Expected { trust: &trust, manifest: None };
    match stage::inspect(file.path(), &expected, &crate::report::Silent) {
        Ok(_) => Ok(()),
        Err(StageError::Archive { source, .. }) => Err(source.to_string()),
        Err(StageError::Bundle { source, .. }) => Err(source.to_string()),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_sound_one_is_read() {
    message(&corpus::sound().build()).unwrap();
    let mut signed = corpus::sound();
    signed.signature = Some(corpus::sign(corpus::SECRET_KEY, &signed.text()));
    message(&signed.build()).unwrap();
    let head = read_head(&signed.build()[..], None).unwrap();
    let keys = vec![TrustedKey::parse(corpus::PUBLIC_KEY).unwrap()];
    let judged = judge(&head, &Trust { keys, required: true }).unwrap();
    assert!(matches!(judged, Signature::Trusted { .. }));
}

#[test]
fn each_hostile_one_is_refused_and_says_why() {
    let cases = corpus::cases();
    assert!(cases.len() >= 60, "{}", cases.len());
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        match message(&case.bytes) {
            Err(text) if text.contains(case.says) => {}
            other => wrong.push(format!("{}: {other:?}, not {:?}", case.name, case.says)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Bytes flipped, cut out and doubled: never a panic, and never another bundle without an error.
#[test]
fn mutations() {
    let mut sound = corpus::sound();
    sound.signature = Some(corpus::sign(corpus::SECRET_KEY, &sound.text()));
    let sound = sound.build();
    let head = read_bytes(&sound).unwrap().head;
    let mut random = Random::new(0x0dd_ba11);
    for _ in 0..3000 {
        let mut bytes = sound.clone();
        for _ in 0..=random.below(2) {
            let at = random.below(bytes.len());
            let end = (at + random.below(300)).min(bytes.len());
            match random.below(4) {
                0 => bytes[at] ^= 1 << random.below(8),
                1 => bytes[at] = random.next() as u8,
                2 => drop(bytes.drain(at..end)),
                _ => {
                    drop(bytes.splice(at..at, sound[at.min(sound.len())..].iter().copied().take(9)))
                }
            }
        }
        match read_bytes(&bytes) {
            // Bits between the end of deflated data and the next byte mean nothing.
            Ok(contents) => assert_eq!(contents.head, head),
            Err(error) => assert!(!error.to_string().is_empty() && !error.hint().is_empty()),
        }
    }
}

/// Every single bit: none changes what is installed. Some mean nothing to anybody, such as those
/// between the end of deflated data and the next byte.
#[test]
fn every_flipped_bit_is_seen() {
    let sound = corpus::sound().build();
    let head = read_bytes(&sound).unwrap().head;
    for bit in 0..sound.len() * 8 {
        let mut bytes = sound.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(contents) = read_bytes(&bytes) {
            assert_eq!(contents.head, head, "bit {bit}");
        }
    }
}

/// Every length: a copy that broke off is seen.
#[test]
fn every_cut_is_seen() {
    let sound = corpus::sound().build();
    for length in 0..sound.len() {
        assert!(read_bytes(&sound[..length]).is_err(), "{length} bytes");
    }
}
