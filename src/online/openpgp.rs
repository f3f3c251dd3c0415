//! Fingerprints of OpenPGP keys in a file (RFC 4880): enough to tell whose key a mirror gives, and
//! no more. Whether a subkey belongs to its primary key is for apt and rpm to check, which use it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha1::Digest as _;

/// The longest file of keys that is read, in bytes. Upstream's have less than 4 KiB.
pub const LIMIT: usize = 64 << 10;

/// The fingerprint of a key of version 4: SHA-1 over its public-key packet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 20]);

/// Why a file is not one of keys that can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// It is longer than [`LIMIT`].
    TooLong,
    /// It is no armor and no packets.
    NotKeys,
    /// It ends in the middle, or its checksum is wrong.
    Damaged,
    /// A key is of a version whose fingerprint is made otherwise.
    Version(u8),
    /// It holds more than a public key: a private one, say.
    Foreign(u8),
    /// It holds no primary key.
    None,
}

/// The primary keys in a file, in its order: one, or a mirror has added some.
///
/// # Errors
/// [`KeyError`].
pub fn primary_keys(file: &[u8]) -> Result<Vec<Fingerprint>, KeyError> {
    if file.len() > LIMIT {
        return Err(KeyError::TooLong);
    }
    let bytes = match std::str::from_utf8(file) {
        Ok(text) if text.trim_start().starts_with(BEGIN) => dearmor(text)?,
        _ => file.to_vec(),
    };
    let mut keys = Vec::new();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let (tag, body, after) = packet(rest)?;
        match tag {
            PUBLIC_KEY => keys.push(fingerprint(body)?),
            SIGNATURE | MARKER | TRUST | USER_ID | PUBLIC_SUBKEY | USER_ATTRIBUTE => {}
            other => return Err(KeyError::Foreign(other)),
        }
        rest = after;
    }
    if keys.is_empty() { Err(KeyError::None) } else { Ok(keys) }
}

/// Packet tags, section 4.3.
const SIGNATURE: u8 = 2;
const PUBLIC_KEY: u8 = 6;
const MARKER: u8 = 10;
const TRUST: u8 = 12;
const USER_ID: u8 = 13;
const PUBLIC_SUBKEY: u8 = 14;
const USER_ATTRIBUTE: u8 = 17;

/// The first packet: tag, body, and what follows (section 4.2).
fn packet(bytes: &[u8]) -> Result<(u8, &[u8], &[u8]), KeyError> {
    let (&head, rest) = bytes.split_first().ok_or(KeyError::NotKeys)?;
    if head & 0x80 == 0 {
        return Err(KeyError::NotKeys);
    }
    let (tag, octets, rest) = if head & 0x40 == 0 {
        // The old format; a length that is not given does not occur among keys.
        let count = match head & 3 {
            0 => 1,
            1 => 2,
            2 => 4,
            _ => return Err(KeyError::Damaged),
        };
        let (octets, rest) = rest.split_at_checked(count).ok_or(KeyError::Damaged)?;
        (head >> 2 & 0xf, octets.to_vec(), rest)
    } else {
        let (&first, rest) = rest.split_first().ok_or(KeyError::Damaged)?;
        match first {
            0..192 => (head & 0x3f, vec![first], rest),
            192..224 => {
                let (&second, rest) = rest.split_first().ok_or(KeyError::Damaged)?;
                let length = ((u16::from(first) - 192) << 8) + u16::from(second) + 192;
                (head & 0x3f, length.to_be_bytes().to_vec(), rest)
            }
            255 => {
                let (octets, rest) = rest.split_at_checked(4).ok_or(KeyError::Damaged)?;
                (head & 0x3f, octets.to_vec(), rest)
            }
            // Lengths in parts are for data alone.
            224..255 => return Err(KeyError::Damaged),
        }
    };
    let length = octets.iter().fold(0_usize, |length, octet| length << 8 | usize::from(*octet));
    let (body, rest) = rest.split_at_checked(length).ok_or(KeyError::Damaged)?;
    Ok((tag, body, rest))
}

/// Section 12.2.
fn fingerprint(body: &[u8]) -> Result<Fingerprint, KeyError> {
    match body.first() {
        Some(4) => {}
        Some(other) => return Err(KeyError::Version(*other)),
        None => return Err(KeyError::Damaged),
    }
    let length = u16::try_from(body.len()).map_err(|_| KeyError::Damaged)?;
    let mut hasher = sha1::Sha1::new();
    hasher.update([0x99]);
    hasher.update(length.to_be_bytes());
    hasher.update(body);
    Ok(Fingerprint(hasher.finalize().into()))
}

const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";

/// Section 6.2. One block alone, with nothing before or behind it: others might read what
/// stands there.
fn dearmor(text: &str) -> Result<Vec<u8>, KeyError> {
    let body = text.trim().strip_prefix(BEGIN).and_then(|text| text.strip_suffix(END));
    let mut lines = body.ok_or(KeyError::Damaged)?.lines().map(str::trim).skip(1).peekable();
    while lines.next_if(|line| line.contains(": ")).is_some() {}
    let mut data = String::new();
    let mut sum = None;
    for line in lines {
        match line.strip_prefix('=') {
            Some(checksum) => sum = Some(checksum),
            None if sum.is_some() && !line.is_empty() => return Err(KeyError::Damaged),
            None => data.push_str(line),
        }
    }
    let bytes = BASE64.decode(data).map_err(|_| KeyError::Damaged)?;
    match sum.map(|sum| BASE64.decode(sum)) {
        None => Ok(bytes),
        Some(Ok(sum)) if sum == crc24(&bytes).to_be_bytes()[1..] => Ok(bytes),
        Some(_) => Err(KeyError::Damaged),
    }
}

/// Section 6.1.
fn crc24(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x00b7_04ce, |mut crc, byte| {
        crc ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= 0x0186_4cfb;
            }
        }
        crc & 0x00ff_ffff
    })
}

impl Fingerprint {
    /// The last eight digits, by which rpm names a key.
    pub fn short(&self) -> String {
        self.0[16..].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The text is not a fingerprint of 40 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseFingerprintError;

impl FromStr for Fingerprint {
    type Err = ParseFingerprintError;

    /// Accepts 40 hexadecimal digits, in groups or not.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: Option<Vec<u8>> = text
            .chars()
            .filter(|letter| !matches!(letter, ' ' | ':'))
            .map(|letter| letter.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect();
        let digits = digits.filter(|digits| digits.len() == 40).ok_or(ParseFingerprintError)?;
        let (pairs, _) = digits.as_chunks::<2>();
        let mut bytes = [0; 20];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error: ParseFingerprintError| D::Error::custom(error.to_string()))
    }
}

#[cfg(test)]
#[path = "openpgp_tests.rs"]
mod tests;
