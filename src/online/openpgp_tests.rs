use super::*;

const KEY: &[u8] = include_bytes!("../../tests/online/key.asc");
const TWO: &[u8] = include_bytes!("../../tests/online/two-keys.asc");

fn fingerprint(text: &str) -> Fingerprint {
    text.parse().unwrap()
}

/// As gpg says.
fn of_key() -> Fingerprint {
    fingerprint("7E0D3395FF68FC14E9A5BF50A63D492DC8BE636B")
}

fn binary() -> Vec<u8> {
    dearmor(std::str::from_utf8(KEY).unwrap()).unwrap()
}

#[test]
fn the_fingerprint_is_the_one_that_gpg_shows() {
    assert_eq!(primary_keys(KEY), Ok(vec![of_key()]));
    assert_eq!(primary_keys(&binary()), Ok(vec![of_key()]));
    let other = fingerprint("C2D0B994B5783BF18192938A51656779E9512872");
    assert_eq!(primary_keys(TWO), Ok(vec![of_key(), other]), "a key that was added is seen");
    let text = String::from_utf8(KEY.to_vec()).unwrap().replace('\n', "\r\n");
    assert_eq!(primary_keys(text.as_bytes()), Ok(vec![of_key()]));
    let versioned = text.replacen("\r\n", "\r\nVersion: GnuPG v2.0.22\r\n", 1);
    assert_eq!(primary_keys(versioned.as_bytes()), Ok(vec![of_key()]));
}

#[test]
fn what_is_no_key_is_told() {
    assert_eq!(primary_keys(b""), Err(KeyError::None));
    assert_eq!(primary_keys(b"<html>404</html>"), Err(KeyError::NotKeys));
    assert_eq!(primary_keys(&vec![0x98; LIMIT + 1]), Err(KeyError::TooLong));
    // Its subkey alone.
    let at = binary().windows(2).position(|two| two == [0xb8, 51]).unwrap();
    assert_eq!(primary_keys(&binary()[at..]), Err(KeyError::None));
    // A private key of the old format.
    assert_eq!(primary_keys(&[0x94, 1, 4]), Err(KeyError::Foreign(5)));
    assert_eq!(primary_keys(&[0x98, 1, 6]), Err(KeyError::Version(6)));
    assert_eq!(primary_keys(&[0xc6, 2, 4, 0]).unwrap().len(), 1, "the new format");
}

#[test]
fn every_cut_is_noticed() {
    let whole = binary();
    let mut begins = std::collections::BTreeSet::new();
    let mut rest = whole.as_slice();
    while !rest.is_empty() {
        rest = packet(rest).unwrap().2;
        begins.insert(whole.len() - rest.len());
    }
    for length in 1..whole.len() {
        let read = primary_keys(&whole[..length]);
        assert_eq!(read.is_ok(), begins.contains(&length), "{length}: {read:?}");
    }
    for length in 1..KEY.len() - 1 {
        assert!(primary_keys(&KEY[..length]).is_err(), "{length}");
    }
}

#[test]
fn a_changed_letter_is_noticed_by_the_checksum() {
    let at = KEY.windows(2).position(|two| two == b"\n\n").unwrap() + 100;
    let mut altered = KEY.to_vec();
    altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
    assert_eq!(primary_keys(&altered), Err(KeyError::Damaged));
    let behind = [KEY, b"-----BEGIN PGP PUBLIC KEY BLOCK-----"].concat();
    assert_eq!(primary_keys(&behind), Err(KeyError::Damaged));
}

#[test]
fn lengths_beyond_the_end_do_no_harm() {
    for bytes in [
        &[0x9b_u8, 0, 0][..],
        &[0x9a, 0xff, 0xff, 0xff, 0xff, 4],
        &[0xc6, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0xc6, 0xdf, 0xff],
        &[0xc6, 0xe0, 0],
        &[0xc6],
        &[0x99],
    ] {
        assert_eq!(primary_keys(bytes), Err(KeyError::Damaged), "{bytes:x?}");
    }
}

#[test]
fn fingerprints_as_people_write_them() {
    let spaced = "9DC8 5822 9FC7 DD38 854A  E2D8 8D81 803C 0EBF CD88";
    assert_eq!(fingerprint(spaced).to_string(), "9DC858229FC7DD38854AE2D88D81803C0EBFCD88");
    for bad in ["", "0EBFCD88", "9DC858229FC7DD38854AE2D88D81803C0EBFCD8x", &"A".repeat(64)] {
        assert_eq!(bad.parse::<Fingerprint>(), Err(ParseFingerprintError), "{bad}");
    }
    let json = serde_json::to_string(&fingerprint(spaced)).unwrap();
    assert_eq!(serde_json::from_str::<Fingerprint>(&json).unwrap(), fingerprint(spaced));
}
